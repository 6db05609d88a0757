// ccxt's HTX classes against the simulator. ccxt has no fetchPositionsHistory for this venue: the executions and the
// orders of the account stand for it.
export function suite({ ccxt, sim, end, make, check, expect, refused, control, book, tampered, deadline }) {
  const [first, second] = sim.accounts;
  const authority = end.rest.replace('https://', '');
  const urls = (api) => {
    if (api.ws === undefined) return;
    api.ws.api.swap.linear = { public: end.public, private: end.private, privateV5: end.private };
  };
  const client = (Class, account) => {
    const one = make(Class, account, urls, {
      options: { defaultType: 'swap', fetchMarkets: { types: { spot: false, linear: true, inverse: false } } },
    });
    one.urls.hostnames.contract = authority; // it is signed
    one.has.fetchCurrencies = false;
    return one;
  };
  const rest = (account = first) => client(ccxt.htx, account);
  const pro = (account = first) => client(ccxt.pro.htx, account);

  check('order books come over the public socket, in gzip', async () => {
    const one = pro();
    await book(one, 'BTC/USDT:USDT');
    await book(one, 'ETH/USDT:USDT');
  });
  check('watchTicker or a book keep the socket: pings are answered', async () => {
    const one = pro();
    for (let i = 0; i < 70; ++i) await deadline(one.watchOrderBook('BTC/USDT:USDT'), 'watchOrderBook');
  });
  check('fetchBalance', async () => {
    const balance = await rest().fetchBalance();
    expect(balance.total.USDT === 10000, JSON.stringify(balance.total));
  });
  check('fetchMyTrades holds the close, and only for its account', async () => {
    const close = await control(end.rest, 'close', { symbol: 'BTCUSDT', side: 'long', size: 0.01, pnl: 5, fee: 0.5 });
    const trades = await rest().fetchMyTrades('BTC/USDT:USDT');
    expect(trades.some((t) => t.order === close.id && t.info.profit === '2.5'), JSON.stringify(trades));
    expect((await rest(second).fetchMyTrades('BTC/USDT:USDT')).length === 0, 'the other account sees it');
  });
  check('fetchOrder and fetchClosedOrders hold it with its result', async () => {
    const close = await control(end.rest, 'close', { symbol: 'ETHUSDT', side: 'short', size: 1, pnl: -3 });
    const order = await rest().fetchOrder(close.id, 'ETH/USDT:USDT');
    expect(order.info.profit === '-3' && order.status === 'closed', JSON.stringify(order));
    const orders = await rest().fetchClosedOrders('ETH/USDT:USDT');
    expect(orders.some((one) => one.info.order_id === close.id), JSON.stringify(orders));
  });
  check('watchMyTrades logs in and reports a close live', async () => {
    const one = pro();
    const batch = one.watchMyTrades('ETH/USDT:USDT');
    for (let i = 0; i < 200; ++i) { // until the simulator shows the subscription
      const stats = await control(end.rest, 'stats');
      if (stats.sockets.some((s) => s.endpoint === 'private' && s.topics.length > 0)) break;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    const close = await control(end.rest, 'close', { symbol: 'ETHUSDT', side: 'short', size: 0.2, pnl: -3 });
    const trades = await deadline(batch, 'watchMyTrades');
    expect(trades.some((t) => t.order === close.id), JSON.stringify(trades));
  });
  check('a wrong secret is 1003', async () => {
    await refused(() => rest({ key: first.key, secret: 'x'.repeat(32) }).fetchBalance(), [ccxt.AuthenticationError], '1003');
  });
  check('an unknown key is 403', async () => {
    await refused(() => rest({ key: 'nobody', secret: first.secret }).fetchBalance(), [ccxt.AuthenticationError], '403');
  });
  check('a tampered query is 1003', async () => {
    const one = rest();
    await one.loadMarkets();
    tampered(one, (signed) => ({ ...signed, url: signed.url.replace('limit=7', 'limit=8') }));
    await refused(() => one.fetchMyTrades('BTC/USDT:USDT', undefined, 7), [ccxt.AuthenticationError], '1003');
  });
  check('a stale timestamp is 12001', async () => {
    const one = rest();
    await one.loadMarkets();
    one.nonce = () => Date.now() - 400000;
    await refused(() => one.fetchBalance(), [ccxt.ExchangeError], '12001');
  });
  check('a wrong secret is refused on the private socket', async () => {
    await refused(() => deadline(pro({ key: first.key, secret: 'x' }).watchMyTrades('BTC/USDT:USDT'), 'auth'), [ccxt.BaseError], '');
  });
}
