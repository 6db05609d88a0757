// ccxt's Bitget classes against the simulator: the first account is unified, the second classic.
export function suite({ ccxt, sim, end, make, check, expect, refused, control, book, tampered, deadline }) {
  const [unified, classic] = sim.accounts;
  const urls = (api) => {
    for (const name of ['spot', 'mix', 'user', 'p2p', 'broker', 'margin', 'common', 'convert', 'copy', 'earn', 'uta']) api[name] = end.rest;
    if (api.ws === undefined) return;
    api.ws = { public: end['public.v2'], private: end['private.v2'], utaPublic: end['public.v3'], utaPrivate: end['private.v3'] };
  };
  const options = { fetchMarkets: { types: ['swap'] }, defaultType: 'swap', fetchCurrencies: false };
  const swaps = { password: undefined, options, has: { fetchCurrencies: false } };
  const known = {};
  // The lists are asked once: so many clients in one second would be refused for it.
  const loaded = async (client) => {
    const kind = client.options.uta ? 'uta' : 'classic';
    if (known[kind] === undefined) known[kind] = Object.values(await client.loadMarkets());
    else client.setMarkets(known[kind]);
    return client;
  };
  const rest = (account, uta = account === unified) => loaded(make(ccxt.bitget, account, urls, { ...swaps, password: account.passphrase, options: { ...options, uta } }));
  const pro = (account, uta = false) => loaded(make(ccxt.pro.bitget, account, urls, { ...swaps, password: account.passphrase, options: { ...options, uta } }));

  check('order books of v2, with checksums, linear and inverse', async () => {
    const client = await pro(classic);
    await book(client, 'BTC/USDT:USDT');
    await book(client, 'BTC/USD:BTC');
  });
  check('order books of v3', async () => {
    await book(await pro(unified, true), 'BTC/USDT:USDT');
  });
  check('the generation is found by itself', async () => {
    for (const account of [unified, classic]) {
      const client = await rest(account);
      client.options.uta = undefined;
      await client.fetchBalance();
      expect(client.options.uta === (account === unified), `${client.options.uta}`);
    }
  });
  for (const [name, account] of [['unified', unified], ['classic', classic]]) {
    check(`fetchBalance of a ${name} account`, async () => {
      const balance = await (await rest(account)).fetchBalance();
      expect(balance.total.USDT === 10000, JSON.stringify(balance.total));
    });
    check(`fetchPositionsHistory of a ${name} account holds the close`, async () => {
      const close = await control(end.rest, 'close', { account: account.name, symbol: 'BTCUSDT', side: 'long', size: 0.01, pnl: 5, fee: 0.5 });
      const rows = await (await rest(account)).fetchPositionsHistory(['BTC/USDT:USDT']);
      expect(rows.some((r) => r.info.positionId === close.id && r.info.netProfit === '5'), JSON.stringify(rows));
    });
  }
  check('watchPositions logs in and sees a position', async () => {
    const client = await pro(classic);
    await control(end.rest, 'open', { account: classic.name, symbol: 'ETHUSDT', side: 'short', size: 0.2 });
    let rows = await deadline(client.watchPositions(['ETH/USDT:USDT']), 'watchPositions');
    for (let i = 0; i < 5 && rows.length === 0; ++i) rows = await deadline(client.watchPositions(['ETH/USDT:USDT']), 'watchPositions');
    expect(rows.some((r) => r.symbol === 'ETH/USDT:USDT'), JSON.stringify(rows));
  });
  const refusals = [ccxt.ExchangeError, ccxt.InvalidNonce];
  check('a wrong secret is 40009', async () => {
    const client = await rest({ ...unified, secret: 'x'.repeat(32) }, true);
    await refused(() => client.fetchBalance(), refusals, '40009');
  });
  check('an unknown key is 40037', async () => {
    const client = await rest({ ...unified, key: 'nobody' }, true);
    await refused(() => client.fetchBalance(), refusals, '40037');
  });
  check('a wrong passphrase is 40012', async () => {
    const client = await rest({ ...unified, passphrase: 'nobody' }, true);
    await refused(() => client.fetchBalance(), refusals, '40012');
  });
  check('a tampered query is 40009', async () => {
    const client = await rest(classic);
    tampered(client, (signed) => ({ ...signed, url: signed.url.replace('limit=7', 'limit=8') }));
    await refused(() => client.fetchPositionsHistory(['BTC/USDT:USDT'], undefined, 7), refusals, '40009');
  });
  check('a stale timestamp is 40008', async () => {
    const client = await rest(unified);
    client.nonce = () => Date.now() - 60000;
    await refused(() => client.fetchBalance(), refusals, '40008');
  });
  check('a wrong secret is refused on the private socket', async () => {
    const client = await pro({ ...classic, secret: 'x' });
    await refused(() => deadline(client.watchPositions(), 'login'), refusals, '30015');
  });
}
