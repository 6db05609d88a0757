// ccxt's Bybit classes against the simulator.
export function suite({ ccxt, sim, end, make, check, expect, refused, control, book, tampered, deadline }) {
  const [first, second] = sim.accounts;
  const urls = (api) => {
    for (const key of ['spot', 'futures', 'v2', 'public', 'private']) api[key] = end.rest;
    if (api.ws === undefined) return;
    api.ws.public = { spot: end['public.spot'], linear: end['public.linear'], inverse: end['public.inverse'] };
    api.ws.private = { spot: { unified: end.private }, contract: end.private, usdc: end.private };
  };
  const rest = (account = first) => make(ccxt.bybit, account, urls);
  const pro = (account = first) => make(ccxt.pro.bybit, account, urls);

  check('a linear and an inverse order book come over the public sockets', async () => {
    const client = pro();
    await book(client, 'BTC/USDT:USDT');
    await book(client, 'BTC/USD:BTC');
    await book(client, 'ETH/USDT');
  });
  check('fetchBalance', async () => {
    const balance = await rest().fetchBalance();
    expect(balance.total.USDT === 10000, JSON.stringify(balance.total));
  });
  check('fetchMyTrades holds the close, and only for its account', async () => {
    const close = await control(end.rest, 'close', { symbol: 'BTCUSDT', side: 'long', size: 0.01, pnl: 5, fee: 0.5 });
    const trades = await rest().fetchMyTrades('BTC/USDT:USDT');
    expect(trades.some((t) => `${t.order}:${t.id}` === close.id), JSON.stringify(trades));
    expect((await rest(second).fetchMyTrades('BTC/USDT:USDT')).length === 0, 'the other account sees it');
  });
  check('fetchPositionsHistory', async () => {
    const rows = await rest().fetchPositionsHistory(['BTC/USDT:USDT']);
    expect(rows.length >= 1, 'no rows');
  });
  check('fetchLedger', async () => {
    const rows = await rest().fetchLedger('USDT');
    expect(rows.length >= 1, 'no rows');
  });
  check('watchMyTrades reports a close live', async () => {
    const client = pro();
    const first_batch = client.watchMyTrades('ETH/USDT:USDT');
    for (let i = 0; i < 200; ++i) { // until the simulator shows the subscription
      const stats = await control(end.rest, 'stats');
      if (stats.sockets.some((s) => s.endpoint === 'private' && s.topics.length > 0)) break;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    const close = await control(end.rest, 'close', { symbol: 'ETHUSDT', side: 'short', size: 0.2, pnl: -3 });
    let trades = await deadline(first_batch, 'watchMyTrades');
    for (let i = 0; i < 5 && !trades.some((t) => `${t.order}:${t.id}` === close.id); ++i) {
      trades = await deadline(client.watchMyTrades('ETH/USDT:USDT'), 'watchMyTrades');
    }
    expect(trades.some((t) => `${t.order}:${t.id}` === close.id), 'the close did not come');
  });
  check('a wrong secret is 10004', async () => {
    await refused(() => rest({ key: first.key, secret: 'x'.repeat(36) }).fetchBalance(), [ccxt.AuthenticationError], '10004');
  });
  check('an unknown key is 10003', async () => {
    await refused(() => rest({ key: 'nobody', secret: first.secret }).fetchBalance(), [ccxt.AuthenticationError], '10003');
  });
  check('a tampered query is 10004', async () => {
    const client = rest();
    await client.loadMarkets();
    tampered(client, (signed) => ({ ...signed, url: signed.url.replace('limit=7', 'limit=8') }));
    await refused(() => client.fetchMyTrades('BTC/USDT:USDT', undefined, 7), [ccxt.AuthenticationError], '10004');
  });
  check('a stale timestamp is 10002', async () => {
    const client = rest();
    await client.loadMarkets();
    client.nonce = () => Date.now() - 60000;
    await refused(() => client.fetchBalance(), [ccxt.InvalidNonce], '10002');
  });
  check('a wrong secret is refused on the private socket', async () => {
    await refused(() => deadline(pro({ key: first.key, secret: 'x' }).watchMyTrades(), 'auth'), [ccxt.AuthenticationError, ccxt.ExchangeError], '');
  });
}
