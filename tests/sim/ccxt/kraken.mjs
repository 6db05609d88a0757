// ccxt's Kraken (spot) classes against the simulator.
export function suite({ ccxt, sim, end, make, check, expect, refused, control, book, tampered, deadline }) {
  const account = sim.accounts.find((one) => one.market === 'spot');
  const urls = (api) => {
    api.public = end['spot.rest'];
    api.private = end['spot.rest'];
    if (api.ws === undefined) return;
    api.ws.public = end['spot.public.v1'];
    api.ws.private = end['spot.private.v1'];
    api.ws.publicV2 = end['spot.public'];
    api.ws.privateV2 = end['spot.private'];
  };
  const rest = (key = account) => make(ccxt.kraken, key, urls);
  const pro = (key = account) => make(ccxt.pro.kraken, key, urls);
  const nonces = (client) => { // one key, many clients: the nonce must still grow
    client.nonce = () => Math.round(Date.now() * 1000 + performance.now() * 1000 % 1000);
    return client;
  };

  check('order books come over v2', async () => {
    const client = pro();
    await book(client, 'BTC/USD');
    await book(client, 'ETH/USDT');
  });
  check('watchTicker with bid and ask', async () => {
    const ticker = await deadline(pro().watchTicker('BTC/USD'), 'watchTicker');
    expect(ticker.bid < ticker.ask, JSON.stringify(ticker));
  });
  check('fetchBalance', async () => {
    const balance = await nonces(rest()).fetchBalance();
    expect(balance.total.USD === 10000, JSON.stringify(balance.total));
  });
  check('fetchLedger holds the margin row', async () => {
    const close = await control(end['spot.rest'], 'close', { account: account.name, symbol: 'BTCUSD', side: 'long', size: 0.02, pnl: 7.5, fee: 0.3 });
    const rows = await nonces(rest()).fetchLedger('USD');
    expect(rows.some((row) => `km:${row.id}` === close.id && row.amount === 7.5), JSON.stringify(rows));
  });
  check('fetchMyTrades', async () => {
    const trades = await nonces(rest()).fetchMyTrades('BTC/USD');
    expect(trades.length >= 1, 'no trades');
  });
  check('watchBalance on the private socket', async () => {
    const balance = await deadline(nonces(pro()).watchBalance(), 'watchBalance');
    expect(balance.USD.total > 0, JSON.stringify(balance));
  });
  check('watchMyTrades reports the closing trade', async () => {
    const client = nonces(pro());
    const first = client.watchMyTrades('ETH/USD');
    for (let i = 0; i < 200; ++i) {
      const stats = await control(end['spot.rest'], 'stats');
      if (stats.sockets.some((s) => s.topics.includes('executions'))) break;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    await control(end['spot.rest'], 'close', { account: account.name, symbol: 'ETHUSD', side: 'short', size: 1, pnl: -2 });
    await deadline(first, 'watchMyTrades'); // several frames in one read resolve one promise: look at what it kept
    for (let i = 0; i < 80 && !client.myTrades.some((t) => t.side === 'buy' && t.amount === 1); ++i) {
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    expect(client.myTrades.some((t) => t.side === 'buy' && t.amount === 1), JSON.stringify(client.myTrades));
  });
  check('a wrong secret is EAPI:Invalid signature', async () => {
    const wrong = { key: account.key, secret: Buffer.from('not the secret at all').toString('base64') };
    await refused(() => nonces(rest(wrong)).fetchBalance(), [ccxt.ExchangeError], 'EAPI:Invalid signature');
  });
  check('an unknown key, also a futures one, is EAPI:Invalid key', async () => {
    const futures = sim.accounts.find((one) => one.market === 'futures');
    await refused(() => nonces(rest(futures)).fetchBalance(), [ccxt.AuthenticationError], 'EAPI:Invalid key');
  });
  check('a tampered body is EAPI:Invalid signature', async () => {
    const client = nonces(rest());
    await client.loadMarkets();
    tampered(client, (signed) => ({ ...signed, body: signed.body.replace('asset=ZUSD', 'asset=XXBT') }));
    await refused(() => client.fetchLedger('USD'), [ccxt.ExchangeError], 'EAPI:Invalid signature');
  });
  check('a used nonce is EAPI:Invalid nonce', async () => {
    const client = rest();
    client.nonce = () => 5;
    await refused(() => client.fetchBalance(), [ccxt.InvalidNonce], 'EAPI:Invalid nonce');
  });
}
