// A shop's front page that asks a stock service; both are this one process.
const http = require('node:http')
const { metrics } = require('@opentelemetry/api')
const { logs, SeverityNumber } = require('@opentelemetry/api-logs')

const meter = metrics.getMeter('shop')
const orders = meter.createCounter('shop.orders', { description: 'orders taken' })
const basket = meter.createHistogram('shop.basket.value', { unit: 'EUR' })
const log = logs.getLogger('shop')

const stock = http.createServer((req, res) => {
  res.setHeader('content-type', 'application/json')
  res.end(JSON.stringify({ item: req.url.slice(1), left: 7 }))
})

const front = http.createServer(async (req, res) => {
  if (req.url === '/broken') {
    log.emit({ severityNumber: SeverityNumber.ERROR, severityText: 'ERROR', body: `order ${Date.now()} failed: no stock` })
    res.statusCode = 500
    res.end('no stock')
    return
  }
  const left = await fetchJSON(stock.address().port, '/book')
  orders.add(1, { item: left.item })
  basket.record(19.9)
  log.emit({ severityNumber: SeverityNumber.INFO, severityText: 'INFO', body: `sold ${left.item}, ${left.left} left` })
  res.end('sold')
})

function fetchJSON(port, path) {
  return new Promise((resolve, reject) => {
    http.get({ host: '127.0.0.1', port, path }, (res) => {
      let text = ''
      res.on('data', (part) => (text += part))
      res.on('end', () => resolve(JSON.parse(text)))
    }).on('error', reject)
  })
}

stock.listen(0, '127.0.0.1', () => {
  front.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => console.log(`listening on ${front.address().port}`))
})
