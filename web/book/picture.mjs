// Makes a small PNG of a screenshot: at most 256 colours, which a page of text
// and lines hardly shows, at a third of the size.

import { crc32, deflateSync } from 'node:zlib'

// shrink decodes in the browser, which can, and encodes here.
export async function shrink(tab, png) {
  const { width, height, pixels, palette } = await tab.evaluate(quantise, png.toString('base64'))
  const rows = Buffer.from(pixels, 'base64')
  const raw = Buffer.alloc((width + 1) * height)
  for (let y = 0; y < height; y++) rows.copy(raw, y * (width + 1) + 1, y * width, (y + 1) * width)
  const head = Buffer.alloc(13)
  head.writeUInt32BE(width, 0)
  head.writeUInt32BE(height, 4)
  head.set([8, 3, 0, 0, 0], 8)
  return Buffer.concat([
    Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]),
    chunk('IHDR', head),
    chunk('PLTE', Buffer.from(palette.flat())),
    chunk('IDAT', deflateSync(raw, { level: 9, memLevel: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

function chunk(name, data) {
  const body = Buffer.concat([Buffer.from(name), data])
  const out = Buffer.alloc(body.length + 8)
  out.writeUInt32BE(data.length, 0)
  body.copy(out, 4)
  out.writeUInt32BE(crc32(body), body.length + 4)
  return out
}

// quantise runs in the page. The commonest colours win, unless one like them
// has won already; every pixel then takes the nearest winner.
async function quantise(base64) {
  const img = new Image()
  img.src = 'data:image/png;base64,' + base64
  await img.decode()
  const canvas = new OffscreenCanvas(img.width, img.height)
  const ctx = canvas.getContext('2d')
  ctx.drawImage(img, 0, 0)
  const { data } = ctx.getImageData(0, 0, img.width, img.height)
  const count = new Map()
  for (let i = 0; i < data.length; i += 4) {
    const c = (data[i] << 16) | (data[i + 1] << 8) | data[i + 2]
    count.set(c, (count.get(c) ?? 0) + 1)
  }
  const rgb = (c) => [c >> 16, (c >> 8) & 255, c & 255]
  const apart = (a, b) => (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2
  const palette = []
  for (const [c] of [...count].sort((a, b) => b[1] - a[1])) {
    if (palette.length === 256) break
    if (palette.length < 24 || palette.every((p) => apart(p, rgb(c)) > 90)) palette.push(rgb(c))
  }
  const nearest = new Map()
  for (const c of count.keys()) {
    let best = 0
    palette.forEach((p, i) => apart(p, rgb(c)) < apart(palette[best], rgb(c)) && (best = i))
    nearest.set(c, best)
  }
  let text = ''
  for (let i = 0; i < data.length; i += 4) text += String.fromCharCode(nearest.get((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]))
  return { width: img.width, height: img.height, pixels: btoa(text), palette }
}
