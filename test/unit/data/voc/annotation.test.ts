import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { parseAnnotation } from '../../../../src/data/voc/annotation.ts'
import { xmlText } from '../../../../src/data/voc/xml-text.ts'

const BOX = '<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>10</xmax><ymax>20</ymax></bndbox>'
const named = (name: string, head = '') =>
  `${head}<annotation><size><width>30</width><height>20</height></size><object><name>${name}</name>${BOX}</object></annotation>`
const nameIn = (xml: string) => parseAnnotation(xml, 'a.xml').objects[0]?.name

suite('names in XML', () => {
  for (const [written, name] of [
    ['caf&#233;', 'café'],
    ['caf&#xE9;', 'café'],
    ['cafe\u0301', 'café'],
    ['a &amp; b', 'a & b'],
    ['&amp;lt;', '&lt;'],
    ['<![CDATA[a &nbsp; <b>]]>', 'a &nbsp; <b>'],
    ['do<!-- &x; -->g', 'dog'],
  ] as const)
    test(written, () => assert.equal(nameIn(named(written)), name))
})

test('an object is truncated by any share above 0, whatever else a tool writes', () => {
  for (const [written, expected] of [
    ['1', true],
    ['0.3', true],
    ['0', false],
    ['0.0', false],
    ['Unspecified', false],
    ['', false],
  ] as const) {
    const xml = named('dog').replace(BOX, `<truncated>${written}</truncated>${BOX}`)
    assert.equal(parseAnnotation(xml, 'a.xml').objects[0]?.truncated, expected, written)
  }
})

suite('XML is refused with file, field and value', () => {
  for (const [what, xml, message] of [
    ['an entity that nobody has declared', named('a&nbsp;b'), /^a.xml: entity "&nbsp;": expected/],
    ['a hundred levels and more', named(`${'<a>'.repeat(200)}${'</a>'.repeat(200)}`), /^a.xml: .*nested/],
    ['a name that JavaScript has for itself', named('<__proto__/>'), /^a.xml: .*__proto__/],
    ['a coordinate', named('dog').replace('>10<', '>ten<'), /^a.xml: annotation.object.0.bndbox.xmax: "ten": expected/],
    ['a missing box', named('dog').replace(BOX, ''), /^a.xml: annotation.object.0.bndbox: missing: /],
  ] as const)
    test(what, () => assert.throws(() => parseAnnotation(xml, 'a.xml'), { code: 'VOC_INVALID', message }))
})

suite('XML is read in the encoding that it declares', () => {
  const declared = (encoding: string) => named('café', `<?xml version="1.0" encoding="${encoding}"?>`)
  const mark = '\ufeff'
  for (const [what, bytes] of [
    ['ISO-8859-1', Buffer.from(declared('ISO-8859-1'), 'latin1')],
    ['UTF-8', Buffer.from(declared('utf-8'))],
    ['UTF-8 without a declaration', Buffer.from(named('café'))],
    ['UTF-8 with a mark', Buffer.from(mark + declared('utf-8'))],
    ['UTF-8 that says UTF-16, as .NET writes it', Buffer.from(declared('utf-16'))],
    ['UTF-16', Buffer.from(declared('utf-16'), 'utf16le')],
    ['UTF-16 with a mark', Buffer.from(mark + declared('utf-16'), 'utf16le')],
    ['UTF-16, high bytes first', Buffer.from(mark + declared('UTF-16'), 'utf16le').swap16()],
  ] as const)
    test(what, () => assert.equal(nameIn(xmlText(bytes, 'a.xml')), 'café'))

  for (const [what, bytes, message] of [
    ['an unknown encoding', Buffer.from(declared('klingon')), /^a.xml: encoding: "klingon": expected/],
    ['bytes that UTF-8 does not have', Buffer.from(named('café'), 'latin1'), /^a.xml: is not text in utf-8: expected/],
  ] as const)
    test(`${what}: refused`, () => assert.throws(() => xmlText(bytes, 'a.xml'), { code: 'VOC_INVALID', message }))
})
