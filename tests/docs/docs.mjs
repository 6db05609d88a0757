// Keeps the docs true: runs and checks their fenced blocks, their links, their commands, and the table of keys.
//   node docs.mjs check SOURCE BUILD PAGE...     fails with file:line for each thing that is not so
//   node docs.mjs keys SOURCE BUILD              rewrites the table of keys in docs/configure.md from `anduin schema`
// Words after the language say what a block is: `sh run` is run in an empty folder with build/ and examples/ in it,
// `text output` is what the last run printed, `yaml check` must pass `anduin check`, `<language> in=FILE` stands so in
// that file, `<language> file=NAME` is written there for later blocks. Other `sh` blocks are checked for commands and
// options that exist. Anything else but `text`, `ini` and plain blocks is an example nobody tests, and fails.
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const [, , mode, source, build, ...pages] = process.argv;
const anduin = path.join(build, 'bin/anduin');
const problems = [];

function blocksOf(text) {
  const blocks = [];
  const lines = text.split('\n');
  for (let i = 0; i < lines.length; i++) {
    const head = lines[i].match(/^```(\S*)\s*(.*)$/);
    if (!head) continue;
    const first = i + 1;
    while (++i < lines.length && lines[i] !== '```');
    blocks.push({ language: head[1], tag: head[2].trim(), line: first, body: lines.slice(first, i).join('\n') + '\n' });
  }
  return blocks;
}

// -- commands ---------------------------------------------------------------------------------------------------------

const helps = new Map();
function helpOf(words) {
  const key = words.join(' ');
  if (!helps.has(key)) {
    const r = spawnSync(words[0], [...words.slice(1), '--help'], { encoding: 'utf8' });
    helps.set(key, r.status === 0 ? r.stdout : '');
  }
  return helps.get(key);
}

/// Every `anduin ...`, `anduin-venue-sim ...` and `make ...` of a shell text, with backslash lines joined.
function checkCommands(where, text) {
  const makefile = fs.readFileSync(path.join(source, 'Makefile'), 'utf8');
  for (const raw of text.replace(/\\\n/g, ' ').split('\n')) {
    const line = raw.replace(/(^|\s)#.*$/, '');
    for (const part of line.split(/&&|\|\||[|;&]/)) {
      const words = part.trim().split(/\s+/).filter((w) => !/^[A-Z_]+=/.test(w) && w !== 'sudo');
      const program = path.basename(words[0] ?? '');
      if (program === 'make' && words[1] && !new RegExp(`^${words[1]}:`, 'm').test(makefile)) {
        problems.push(`${where}: there is no make target '${words[1]}'`);
      }
      if (program !== 'anduin' && program !== 'anduin-venue-sim') continue;
      const command = [path.join(build, 'bin', program)];
      let rest = words.slice(1);
      if (rest[0] === '--log-level') rest = rest.slice(2);
      while (program === 'anduin' && rest.length && /^[a-z-]+$/.test(rest[0]) && !rest[0].startsWith('-') &&
             new RegExp(`^  ${rest[0]}\\s`, 'm').test(helpOf(command).split('Subcommands:')[1] ?? '')) {
        command.push(rest.shift());
      }
      if (program === 'anduin' && command.length === 1 && rest.length && !rest[0].startsWith('--')) {
        problems.push(`${where}: anduin has no command '${rest[0]}'`);
      }
      const help = helpOf(command);
      if (!help) problems.push(`${where}: '${command.slice(1).join(' ')}' prints no help`);
      for (const option of rest.filter((w) => /^--[a-z]/.test(w)).map((w) => w.split('=')[0])) {
        if (!new RegExp(`${option}[\\s,]`).test(help)) problems.push(`${where}: '${words.slice(0, 3).join(' ')}' has no option ${option}`);
      }
    }
  }
}

// -- pages ------------------------------------------------------------------------------------------------------------

function checkLinks(page, text) {
  const anchors = (file) => fs.readFileSync(file, 'utf8').split('\n').filter((l) => l.startsWith('#'))
    .map((l) => l.replace(/^#+\s*/, '').toLowerCase().replace(/[^\w\- ]/g, '').replace(/ /g, '-'));
  for (const m of text.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^https?:/.test(m[1])) continue;
    const [file, anchor] = m[1].split('#');
    const target = file ? path.join(path.dirname(page), file) : page;
    if (!fs.existsSync(target)) problems.push(`${page}: the link ${m[1]} leads nowhere`);
    else if (anchor && !anchors(target).includes(anchor)) problems.push(`${page}: ${target} has no section '${anchor}'`);
  }
}

function checkPage(name) {
  const page = path.join(source, name);
  const text = fs.readFileSync(page, 'utf8');
  checkLinks(page, text);
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'anduin-docs-'));
  fs.symlinkSync(build, path.join(dir, 'build'));
  fs.cpSync(path.join(source, 'examples'), path.join(dir, 'examples'), { recursive: true });
  const env = {
    ...process.env, HOME: dir, PATH: `${path.join(build, 'bin')}:${process.env.PATH}`,
    BYBIT_API_KEY: 'k'.repeat(18), BYBIT_API_SECRET: 's'.repeat(36), KRAKEN_API_KEY: 'a2V5', KRAKEN_API_SECRET: 'c2VjcmV0',
    RPC_URL: 'https://rpc.example', VAULT_ADDRESS: '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
    SETTLEMENT_PRIVATE_KEY: '0x' + '11'.repeat(32), RELAYER_KEY: '0x' + '12'.repeat(32),
    SAFE_ADDRESS: '0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb', AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 's'.repeat(40),
  };
  let output = '';
  for (const b of blocksOf(text)) {
    const where = `${name}:${b.line}`;
    const [what, value] = b.tag.split('=');
    if (b.language === 'sh' || b.language === '') checkCommands(where, b.body);
    if (what === 'run') {
      const r = spawnSync('bash', ['-euo', 'pipefail', '-c', b.body], { cwd: dir, env, encoding: 'utf8' });
      output = r.stdout;
      if (r.status !== 0) problems.push(`${where}: ended with ${r.status}\n${r.stdout}${r.stderr}`);
    } else if (what === 'output') {
      if (output.trim() !== b.body.trim()) problems.push(`${where}: the command above prints\n${output}`);
    } else if (what === 'check') {
      const file = path.join(dir, value ?? 'pipeline.yaml');
      fs.writeFileSync(file, b.body);
      const r = spawnSync(anduin, ['check', file], { env, encoding: 'utf8' });
      if (r.status !== 0) problems.push(`${where}: anduin check says\n${r.stdout}${r.stderr}`);
    } else if (what === 'file') {
      fs.mkdirSync(path.dirname(path.join(dir, value)), { recursive: true });
      fs.writeFileSync(path.join(dir, value), b.body);
    } else if (what === 'in') {
      const squeeze = (s) => s.replace(/^\s+/gm, '').trim();
      if (!squeeze(fs.readFileSync(path.join(source, value), 'utf8')).includes(squeeze(b.body))) {
        problems.push(`${where}: this does not stand in ${value}`);
      }
    } else if (!['', 'sh', 'text', 'ini'].includes(b.language) && name !== 'docs/manifest.md') {
      problems.push(`${where}: an example that nothing tests; give it a tag`);
    }
  }
  fs.rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });  // a stopped host may still write
}

// -- the table of keys --------------------------------------------------------------------------------------------------

function plain(node) {
  const real = (node.anyOf ?? []).filter((n) => !n.$ref);
  return real.length ? { ...plain(real[0]), other: real.slice(1) } : node;
}

function valueText(node) {
  const n = plain(node);
  const others = (n.other ?? []).map(valueText).join(' or ');
  const own = n.const !== undefined ? String(n.const)
    : n.enum ? n.enum.join(', ')
    : n.type === 'boolean' ? 'true, false'
    : n.type === 'array' ? 'list'
    : n.type === 'object' ? 'map'
    : n.type === 'integer' || n.type === 'number'
      ? (n.type === 'integer' ? 'whole number' : 'number') +
        (n.minimum !== undefined && n.maximum !== undefined ? ` ${n.minimum} to ${n.maximum}` : n.exclusiveMinimum === 0 ? ' above 0' : '')
    : 'text';
  return others && others !== own ? `${own} or ${others}` : own;
}

function keyRows(node, at, required, rows) {
  const n = plain(node);
  for (const [key, child] of Object.entries(n.properties ?? {})) {
    const name = at ? `${at}.${key}` : key;
    const need = (n.required ?? []).includes(key) ? 'required' : '';
    const fallback = child.default !== undefined ? '`' + String(child.default) + '`' : need;
    rows.push(`| \`${name}\` | ${valueText(child)} | ${fallback} | ${(child.description ?? '').replace(/\|/g, '\\|')} |`);
    keyRows(child, name, need, rows);
  }
  if (typeof n.additionalProperties === 'object') keyRows(n.additionalProperties, `${at}.NAME`, '', rows);
  if (n.items) keyRows(n.items, `${at}[]`, '', rows);
}

function keyTable() {
  const schema = JSON.parse(execFileSync(anduin, ['schema'], { encoding: 'utf8' }));
  const rows = ['| key | value | default | effect |', '| --- | --- | --- | --- |'];
  keyRows(schema, '', '', rows);
  return rows.join('\n');
}

const kConfigure = 'docs/configure.md';
const kTable = /(<!-- keys -->\n)[\s\S]*?(\n<!-- end of keys -->)/;

// -- the page of the knobs ----------------------------------------------------------------------------------------------

/// "0.5 %", "5 cents", "30 s", "3" as a number in the unit of the source: fractions, dollars, milliseconds.
function amountOf(text) {
  const [, number, unit] = text.match(/^([\d.]+)\s*(.*)$/) ?? [];
  const scale = { '': 1, '%': 0.01, cents: 0.01, USD: 1, s: 1e3, min: 60e3, days: 86400e3 }[unit];
  return scale === undefined ? NaN : Number(number) * scale;
}

/// A constant of the settlement room: `k{mantissa, exponent}` or `k = 30LL * 86'400'000`.
function constantOf(name) {
  const dir = path.join(source, 'host/settle');
  for (const file of fs.readdirSync(dir).filter((f) => f.endsWith('.hpp'))) {
    const m = fs.readFileSync(path.join(dir, file), 'utf8').match(new RegExp(`\\b${name}(?:\\{([-\\d]+), ([-\\d]+)\\}| = ([^;]+);)`));
    if (m) return m[3] ? m[3].replace(/['L]/g, '').split('*').reduce((a, b) => a * Number(b), 1) : Number(m[1]) * 10 ** Number(m[2]);
  }
  return NaN;
}

/// docs/policy.md: each key of its table is a key with that default, each constant has that value, and no knob of
/// policy: is missing.
function checkKnobs(page) {
  const text = fs.readFileSync(path.join(source, page), 'utf8');
  const table = text.match(/<!-- knobs -->\n([\s\S]*?)<!-- end of knobs -->/)?.[1] ?? '';
  const keys = new Map(keyTable().split('\n').slice(2).map((row) => row.split('|').map((c) => c.trim()))
    .map((c) => [c[1].replace(/`/g, ''), c[3].replace(/`/g, '')]));
  const said = new Set();
  for (const row of table.split('\n').slice(2).filter(Boolean)) {
    const [, knobs, fallback, why] = row.split('|').map((c) => c.trim());
    if (!why) problems.push(`${page}: no reason in '${row}'`);
    const names = [...knobs.matchAll(/`([^`]+)`/g)].map((m) => m[1]);
    for (const short of names) {
      const name = short.startsWith('.') ? names[0].replace(/\.[^.]+$/, '') + short : short;
      said.add(name);
      if (name.startsWith('k')) {
        const is = constantOf(name), page_says = amountOf(fallback);
        if (!(Math.abs(is - page_says) <= 1e-9 * Math.abs(is))) problems.push(`${page}: ${name} is ${is}, the page says ${fallback}`);
      } else if (!keys.has(name)) problems.push(`${page}: there is no key ${name}`);
      else if (fallback.startsWith('`') && keys.get(name) && keys.get(name) !== fallback.replace(/`/g, ''))
        problems.push(`${page}: the default of ${name} is '${keys.get(name)}', the page says ${fallback}`);
      else if (fallback === 'none' && keys.get(name) && keys.get(name) !== 'required') problems.push(`${page}: ${name} has a default: ${keys.get(name)}`);
    }
  }
  for (const name of keys.keys()) {
    if (!name.startsWith('policy.') || [...keys.keys()].some((k) => k.startsWith(name + '.'))) continue;  // a leaf
    if (![...said].some((s) => name === s || name.startsWith(s + '.'))) problems.push(`${page}: ${name} is missing`);
  }
}

if (mode === 'keys') {
  const file = path.join(source, kConfigure);
  const text = fs.readFileSync(file, 'utf8');
  fs.writeFileSync(file, text.replace(kTable, (_, a, b) => a + keyTable() + b));
} else if (mode === 'check') {
  for (const page of pages) {
    checkPage(page);
    if (page === 'docs/policy.md') checkKnobs(page);
    if (page !== kConfigure) continue;
    const text = fs.readFileSync(path.join(source, page), 'utf8');
    if (text.replace(kTable, (_, a, b) => a + keyTable() + b) !== text) {
      problems.push(`${page}: the table of keys is not what 'anduin schema' says; renew it: node tests/docs/docs.mjs keys . build`);
    }
  }
} else {
  problems.push('usage: docs.mjs check|keys SOURCE BUILD [PAGE...]');
}
for (const p of problems) console.error(p);
console.log(`${pages.length} pages, ${problems.length} problems`);
process.exit(problems.length ? 1 : 0);
