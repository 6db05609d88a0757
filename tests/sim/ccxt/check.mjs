// Is the simulator honest? A client nobody here wrote (npm ccxt, its pro part) must be able to use it, and must be
// refused in the venue's own words when a signed part differs. Runs the simulator itself, over TLS.
//   node check.mjs PATH/anduin-venue-sim bybit|kraken|krakenfutures
import { spawn, spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const [, self, simulator, exchange, ready] = process.argv;
const kSeconds = 60; // everything is on loopback; a hang is a failure

function fail(text) {
  console.error(`ccxt check ${exchange}: ${text}`);
  process.exit(1);
}

function deadline(promise, what) {
  return Promise.race([
    promise,
    new Promise((_, reject) => setTimeout(() => reject(new Error(`${what}: no answer in time`)), 20000).unref()),
  ]);
}

// --- the outer process: starts the simulator, then node again with its CA
async function outer() {
  const packages = join(here, '../../node');
  if (!existsSync(join(packages, 'node_modules/ccxt')) &&
      spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: packages, stdio: 'inherit' }).status !== 0) {
    fail('npm ci failed');
  }
  const directory = mkdtempSync(join(tmpdir(), 'anduin-ccxt-'));
  const venue = exchange.startsWith('kraken') ? 'kraken' : exchange;
  const sim = spawn(simulator, ['--venue', venue, '--listen', '127.0.0.1:0', '--tls-dir', directory,
    '--accounts', '2', '--die-with-parent'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let lines = 0;
  const line = await new Promise((resolve) => {
    createInterface({ input: sim.stdout }).on('line', (text) => {
      ++lines;
      resolve(text);
    });
    sim.once('exit', () => fail('the simulator ended before it was ready'));
  });
  sim.removeAllListeners('exit');
  const child = spawn(process.execPath, [self, simulator, exchange, line], {
    stdio: 'inherit', env: { ...process.env, NODE_EXTRA_CA_CERTS: JSON.parse(line).ca },
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), kSeconds * 1000);
  const status = await new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
  clearTimeout(timer);
  sim.kill('SIGTERM');
  const ended = await new Promise((resolve) => sim.once('exit', resolve));
  if (ended !== 0) fail(`the simulator ended with ${ended}`);
  if (lines !== 1) fail(`the simulator printed ${lines} lines`);
  rmSync(directory, { recursive: true, force: true });
  process.exit(status);
}

// --- the inner process: ccxt against it
const checks = [];
let passed = 0;
const check = (name, run) => checks.push([name, run]);

function expect(condition, text) {
  if (!condition) throw new Error(text);
}

async function refused(run, errors, text) {
  try {
    await run();
  } catch (e) {
    expect(errors.some((one) => e instanceof one), `expected ${errors.map((one) => one.name)}, got ${e}`);
    expect(text === '' || String(e).includes(text), `expected the text '${text}' in: ${e}`);
    return;
  }
  throw new Error('was accepted');
}

async function control(rest, command, body = {}) {
  const answer = await fetch(`${rest}/sim/${command}`, { method: 'POST', body: JSON.stringify(body) });
  const json = await answer.json();
  expect(json.ok, `/sim/${command}: ${JSON.stringify(json)}`);
  return json;
}

/// Five good books. One level a frame (Kraken Futures) crosses a book for a moment: then a few may be bad.
async function book(client, symbol, momentarily_crossed = false) {
  let good = 0;
  for (let seen = 0; good < 5; ++seen) {
    const top = await deadline(client.watchOrderBook(symbol), 'watchOrderBook');
    expect(top.bids.length > 0 && top.asks.length > 0, 'the book is empty');
    expect(top.bids.every((level, i) => i === 0 || level[0] < top.bids[i - 1][0]), 'bids are not sorted');
    if (top.bids[0][0] < top.asks[0][0]) ++good;
    else expect(momentarily_crossed && seen < 40, `crossed: ${top.bids[0]} ${top.asks[0]}`);
  }
}

/// Signs like the client, then changes what was signed.
function tampered(client, change) {
  const sign = client.sign.bind(client);
  client.sign = (...args) => change(sign(...args));
  return client;
}

async function inner() {
  const require = createRequire(join(here, '../../node/package.json'));
  const ccxt = require('ccxt');
  const sim = JSON.parse(ready);
  const end = sim.endpoints;
  const clients = [];
  const make = (Class, account, urls, extra = {}) => {
    const client = new Class({ apiKey: account.key, secret: account.secret, enableRateLimit: false, ...extra });
    urls(client.urls.api);
    clients.push(client);
    return client;
  };
  const { suite } = await import(`./${exchange}.mjs`);
  suite({ ccxt, sim, end, make, check, expect, refused, control, book, tampered, deadline });
  for (const [name, run] of checks) {
    try {
      await deadline(run(), name);
      ++passed;
      console.error(`ok   ${exchange}: ${name}`);
    } catch (e) {
      console.error(`FAIL ${exchange}: ${name}: ${e.stack ?? e}`);
    }
  }
  await Promise.allSettled(clients.map((client) => client.close()));
  console.error(`${passed} of ${checks.length} passed`);
  process.exit(passed === checks.length && passed > 0 ? 0 : 1);
}

if (ready === undefined) {
  await outer();
} else {
  await inner();
}
