// ccxt's OKX classes against the simulator.
export function suite({ ccxt, sim, end, make, check, expect, refused, control, book, tampered, deadline }) {
  const [first, second] = sim.accounts;
  const urls = (api) => {
    api.rest = end.rest;
    if (api.ws !== undefined) api.ws = end.public.replace(/\/public$/, '');
  };
  const options = { fetchMarkets: { types: ['spot', 'swap'] } };
  const rest = (account = first) => make(ccxt.okx, account, urls, { password: account.passphrase, options });
  const pro = (account = first) => make(ccxt.pro.okx, account, urls, { password: account.passphrase, options });

  check('a linear and an inverse order book come over the public socket', async () => {
    const client = pro();
    await book(client, 'BTC/USDT:USDT');
    await book(client, 'BTC/USD:BTC');
    await book(client, 'ETH/USDT');
  });
  check('fetchBalance', async () => {
    const balance = await rest().fetchBalance();
    expect(balance.total.USDT === 10000, JSON.stringify(balance.total));
  });
  check('fetchPositionsHistory holds the close, and only for its account', async () => {
    const close = await control(end.rest, 'close', { symbol: 'BTCUSDT', side: 'long', size: 0.01, pnl: 5, fee: 0.5 });
    const rows = await rest().fetchPositionsHistory(['BTC/USDT:USDT']);
    expect(rows.some((r) => `${r.info.posId}-${r.info.cTime}` === close.id && r.info.realizedPnl === '5'), JSON.stringify(rows));
    expect((await rest(second).fetchPositionsHistory(['BTC/USDT:USDT'])).length === 0, 'the other account sees it');
  });
  check('watchPositions logs in and sees a position', async () => {
    const client = pro();
    await client.loadMarkets();
    const seen = client.watchPositions(['ETH/USDT:USDT']);
    for (let i = 0; i < 200; ++i) { // until the simulator shows the subscription
      const stats = await control(end.rest, 'stats');
      if (stats.sockets.some((s) => s.endpoint === 'private' && s.topics.length > 0)) break;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    await control(end.rest, 'open', { symbol: 'ETHUSDT', side: 'short', size: 0.2 });
    let rows = await deadline(seen, 'watchPositions');
    for (let i = 0; i < 5 && rows.length === 0; ++i) rows = await deadline(client.watchPositions(['ETH/USDT:USDT']), 'watchPositions');
    expect(rows.some((r) => r.symbol === 'ETH/USDT:USDT'), JSON.stringify(rows));
  });
  check('watchFundingRate', async () => {
    const client = pro();
    await client.loadMarkets();
    const rate = await deadline(client.watchFundingRate('BTC/USDT:USDT'), 'watchFundingRate');
    expect(typeof rate.fundingRate === 'number', JSON.stringify(rate));
  });
  check('a wrong secret is 50113', async () => {
    await refused(() => rest({ ...first, secret: 'x'.repeat(32) }).fetchBalance(), [ccxt.AuthenticationError], '50113');
  });
  check('an unknown key is 50111', async () => {
    await refused(() => rest({ ...first, key: 'nobody' }).fetchBalance(), [ccxt.AuthenticationError], '50111');
  });
  check('a wrong passphrase is 50105', async () => {
    await refused(() => rest({ ...first, passphrase: 'nobody' }).fetchBalance(), [ccxt.AuthenticationError], '50105');
  });
  check('a tampered query is 50113', async () => {
    const client = rest();
    await client.loadMarkets();
    tampered(client, (signed) => ({ ...signed, url: signed.url.replace('limit=7', 'limit=8') }));
    await refused(() => client.fetchPositionsHistory(['BTC/USDT:USDT'], undefined, 7), [ccxt.AuthenticationError], '50113');
  });
  check('a stale timestamp is 50102', async () => {
    const client = rest();
    await client.loadMarkets();
    client.nonce = () => Date.now() - 60000;
    await refused(() => client.fetchBalance(), [ccxt.InvalidNonce, ccxt.AuthenticationError], '50102');
  });
  check('a wrong secret is refused on the private socket', async () => {
    await refused(() => deadline(pro({ ...first, secret: 'x' }).watchPositions(), 'login'), [ccxt.AuthenticationError, ccxt.ExchangeError], '');
  });
}
