// ccxt's MEXC classes against the simulator. They have no watcher of positions: the closes come from history here.
export function suite({ ccxt, sim, end, make, check, expect, refused, control, book, tampered, deadline }) {
  const [first, second] = sim.accounts;
  const urls = (api) => {
    for (const access of ['public', 'private']) {
      api.spot[access] = end.rest;
      api.contract[access] = `${end.rest}/api/v1/${access === 'public' ? 'contract' : 'private'}`;
    }
    if (api.ws !== undefined) api.ws.swap = end.public;
  };
  const options = { defaultType: 'swap' };
  const rest = (account = first) => make(ccxt.mexc, account, urls, { options });
  const pro = (account = first) => make(ccxt.pro.mexc, account, urls, { options });

  check('a linear and an inverse order book come over the socket', async () => {
    const client = pro();
    client.options.watchOrderBook = { snapshotDelay: 2 };
    await book(client, 'BTC/USDT:USDT');
    await book(client, 'BTC/USD:BTC');
  });
  check('watchTicker', async () => {
    const client = pro();
    const ticker = await deadline(client.watchTicker('ETH/USDT:USDT'), 'watchTicker');
    expect(ticker.bid < ticker.ask, JSON.stringify(ticker));
  });
  check('fetchBalance', async () => {
    const balance = await rest().fetchBalance();
    expect(balance.total.USDT === 10000, JSON.stringify(balance.total));
  });
  check('fetchPositionsHistory holds the close, and only for its account', async () => {
    const close = await control(end.rest, 'close', { symbol: 'BTCUSDT', side: 'long', size: 0.01, pnl: 5, fee: 0.5 });
    await new Promise((resolve) => setTimeout(resolve, 1500)); // history shows it late
    const rows = await rest().fetchPositionsHistory(['BTC/USDT:USDT'], undefined, 7);
    expect(rows.some((r) => String(r.info.positionId) === close.id && Number(r.info.realised) === 5), JSON.stringify(rows));
    expect((await rest(second).fetchPositionsHistory(['BTC/USDT:USDT'])).length === 0, 'the other account sees it');
  });
  check('watchBalance logs in and hears of a close', async () => {
    const client = pro();
    await client.loadMarkets();
    const seen = client.watchBalance();
    for (let i = 0; i < 200; ++i) { // until the simulator shows the login
      const stats = await control(end.rest, 'stats');
      if (stats.sockets.some((s) => s.endpoint === 'private')) break;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    await control(end.rest, 'close', { symbol: 'ETHUSDT', side: 'short', size: 0.2, pnl: -3 });
    const balance = await deadline(seen, 'watchBalance');
    expect(balance.USDT.free > 0, JSON.stringify(balance));
  });
  check('a wrong secret is 602', async () => {
    const client = rest({ key: first.key, secret: 'x'.repeat(36) });
    client.has.fetchCurrencies = false; // the spot call before would be refused first
    await refused(() => client.fetchBalance(), [ccxt.AuthenticationError], '602');
  });
  check('an unknown key is 401', async () => {
    const client = rest({ key: 'nobody', secret: first.secret });
    client.has.fetchCurrencies = false;
    await refused(() => client.fetchBalance(), [ccxt.AuthenticationError], '401');
  });
  check('a tampered query is 602', async () => {
    const client = rest();
    await client.loadMarkets();
    tampered(client, (signed) => ({ ...signed, url: signed.url.replace('page_size=7', 'page_size=8') }));
    await refused(() => client.fetchPositionsHistory(['BTC/USDT:USDT'], undefined, 7), [ccxt.AuthenticationError], '602');
  });
  check('a stale timestamp is 513', async () => {
    const client = rest();
    await client.loadMarkets();
    client.nonce = () => Date.now() - 60000;
    await refused(() => client.fetchBalance(), [ccxt.BadRequest], '513');
  });
  check('a spot call with a changed query is 700002', async () => {
    const client = rest();
    await client.loadMarkets();
    tampered(client, (signed) => ({ ...signed, url: signed.url.replace('recvWindow=5000', 'recvWindow=6000') }));
    await refused(() => client.fetchCurrencies(), [ccxt.ExchangeError], '700002');
  });
}
