// ccxt's Kraken Futures classes against the simulator.
export function suite({ ccxt, sim, end, make, check, expect, refused, control, book, tampered, deadline }) {
  const account = sim.accounts.find((one) => one.market === 'futures');
  const host = end['futures.rest'];
  const urls = (api) => {
    api.public = `${host}/derivatives/api/`;
    api.private = `${host}/derivatives/api/`;
    api.history = `${host}/api/history/`;
    api.charts = `${host}/api/charts/`;
    if (api.ws !== undefined) api.ws = end['futures.public'];
  };
  const rest = (key = account) => make(ccxt.krakenfutures, key, urls);
  const pro = (key = account) => make(ccxt.pro.krakenfutures, key, urls);

  check('order books of a linear and an inverse perpetual', async () => {
    const client = pro();
    await book(client, 'BTC/USD:USD', true);
    await book(client, 'BTC/USD:BTC', true);
  });
  check('fetchBalance', async () => {
    const balance = await rest().fetchBalance({ type: 'flex' });
    expect(balance.total.USD === 10000, JSON.stringify(balance.total));
  });
  check('fetchMyTrades holds the close', async () => {
    const close = await control(host, 'close', { symbol: 'BTCUSD', side: 'long', size: 0.01, pnl: 5, fee: 0.5 });
    const trades = await rest().fetchMyTrades('BTC/USD:USD');
    expect(trades.some((t) => `kf:${t.id}` === close.id), JSON.stringify(trades));
  });
  check('the account log is accepted and holds both rows', async () => {
    const close = await control(host, 'close', { symbol: 'PI_XBTUSD', side: 'short', size: 1000, pnl: 0.0001 });
    const answer = await rest().historyGetAccountLog({ count: 25 });
    const rows = answer.logs.filter((row) => `kf:${row.execution}` === close.id);
    expect(rows.length === 2, JSON.stringify(rows));
  });
  check('fetchPositionsHistory', async () => {
    const rows = await rest().fetchPositionsHistory(['BTC/USD:USD']);
    expect(rows.length >= 1, 'no rows');
  });
  check('watchBalance answers the challenge', async () => {
    const balance = await deadline(pro().watchBalance(), 'watchBalance');
    expect(balance.USD.total > 0, JSON.stringify(balance));
  });
  check('watchMyTrades', async () => {
    const client = pro();
    const first = client.watchMyTrades();
    for (let i = 0; i < 200; ++i) {
      const stats = await control(host, 'stats');
      if (stats.sockets.some((s) => s.topics.includes('fills'))) break;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    await control(host, 'close', { symbol: 'ETHUSD', side: 'short', size: 1, pnl: -2 });
    const trades = await deadline(first, 'watchMyTrades');
    expect(trades.length >= 1, 'nothing');
  });
  check('a wrong secret is authenticationError', async () => {
    const wrong = { key: account.key, secret: Buffer.from('not the secret at all').toString('base64') };
    await refused(() => rest(wrong).fetchBalance(), [ccxt.AuthenticationError], 'authenticationError');
  });
  check('the history wants a signature too', async () => {
    const wrong = { key: account.key, secret: Buffer.from('not the secret at all').toString('base64') };
    await refused(() => rest(wrong).historyGetAccountLog({ count: 25 }), [ccxt.AuthenticationError, ccxt.ExchangeError], '401');
  });
  check('a tampered query is refused', async () => {
    const client = rest();
    tampered(client, (signed) => ({ ...signed, url: signed.url.replace('count=25', 'count=26') }));
    await refused(() => client.historyGetAccountLog({ count: 25 }), [ccxt.AuthenticationError, ccxt.ExchangeError], '401');
  });
  check('a wrong secret is refused on the socket', async () => {
    const wrong = { key: account.key, secret: Buffer.from('not the secret at all').toString('base64') };
    await refused(() => deadline(pro(wrong).watchMyTrades(), 'watchMyTrades'), [ccxt.ExchangeError], 'authenticated feed');
  });
}
