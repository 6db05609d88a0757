// ccxt's KuCoin futures classes against the simulator.
export function suite({ ccxt, sim, end, make, check, expect, refused, control, book, tampered, deadline }) {
  const [first, second] = sim.accounts;
  const urls = (api) => {
    for (const key of Object.keys(api)) if (typeof api[key] === 'string') api[key] = end.rest;
  };
  const options = {
    uta: false, hf: false, fetchBalance: { code: 'USDT' },
    watchBalance: { fetchBalanceSnapshot: false, awaitBalanceSnapshot: false },
  };
  const extra = (account) => ({ password: account.passphrase, options });
  const rest = (account = first) => make(ccxt.kucoinfutures, account, urls, extra(account));
  const pro = (account = first) => make(ccxt.pro.kucoinfutures, account, urls, extra(account));

  check('a linear and an inverse order book come over the public socket', async () => {
    const client = pro();
    await book(client, 'BTC/USDT:USDT', true);
    await book(client, 'BTC/USD:BTC', true);
  });
  check('watchBidsAsks reads tickerV2', async () => {
    const seen = await deadline(pro().watchBidsAsks(['ETH/USDT:USDT']), 'watchBidsAsks');
    const ticker = seen['ETH/USDT:USDT'];
    expect(ticker.bid > 0 && ticker.bid < ticker.ask, JSON.stringify(ticker));
  });
  check('fetchBalance', async () => {
    const balance = await rest().fetchBalance();
    expect(balance.total.USDT === 10000, JSON.stringify(balance.total));
  });
  check('fetchPositionsHistory holds the close once it shows, and only for its account', async () => {
    const close = await control(end.rest, 'close', { symbol: 'BTCUSDT', side: 'long', size: 0.01, pnl: 5, fee: 0.5 });
    await new Promise((resolve) => setTimeout(resolve, 700));
    const rows = await rest().fetchPositionsHistory(['BTC/USDT:USDT']);
    expect(rows.some((r) => r.info.closeId === close.id && r.info.pnl === '5'), JSON.stringify(rows));
    expect((await rest(second).fetchPositionsHistory(['BTC/USDT:USDT'])).length === 0, 'the other account sees it');
  });
  check('watchBalance sees the wallet change with a close', async () => {
    const client = pro();
    const seen = client.watchBalance();
    for (let i = 0; i < 200; ++i) { // until the simulator shows the subscription
      const stats = await control(end.rest, 'stats');
      if (stats.sockets.some((s) => s.endpoint === 'private' && s.topics.length > 0)) break;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    await control(end.rest, 'close', { symbol: 'ETHUSDT', side: 'short', size: 0.2, pnl: -3 });
    const balance = await deadline(seen, 'watchBalance');
    expect(balance.USDT.total > 9000, JSON.stringify(balance));
  });
  check('a wrong secret is 400004: the passphrase is signed with it', async () => {
    await refused(() => rest({ ...first, secret: 'x'.repeat(36) }).fetchBalance(), [ccxt.AuthenticationError], '400004');
  });
  check('a wrong passphrase is 400004', async () => {
    await refused(() => rest({ ...first, passphrase: 'other' }).fetchBalance(), [ccxt.AuthenticationError], '400004');
  });
  check('an unknown key is 400003', async () => {
    await refused(() => rest({ ...first, key: 'nobody' }).fetchBalance(), [ccxt.AuthenticationError], '400003');
  });
  check('a tampered query is 400005', async () => {
    const client = rest();
    await client.loadMarkets();
    tampered(client, (signed) => ({ ...signed, url: signed.url.replace('limit=7', 'limit=8') }));
    await refused(() => client.fetchPositionsHistory(['BTC/USDT:USDT'], undefined, 7), [ccxt.AuthenticationError], '400005');
  });
  check('a stale timestamp is 400002', async () => {
    const client = rest();
    await client.loadMarkets();
    client.nonce = () => Date.now() - 60000;
    await refused(() => client.fetchBalance(), [ccxt.InvalidNonce], '400002');
  });
  check('a wrong secret gets no private token', async () => {
    await refused(() => deadline(pro({ ...first, secret: 'x' }).watchBalance(), 'token'), [ccxt.AuthenticationError], '400004');
  });
}
