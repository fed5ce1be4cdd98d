import assert from 'node:assert/strict';
import {
  duplicate,
  errorReason,
  errorText,
  type FieldError,
  FieldPath,
  forbidden,
  goQuote,
  internalField,
  invalid,
  notFoundField,
  notSupported,
  required,
  tooLong,
  tooMany,
  typeInvalid,
} from '../../src/machinery/field.ts';

describe('field paths', () => {
  it('are written with dots and brackets', () => {
    const path = FieldPath.of('spec', 'containers').index(0).child('env').key('A');
    assert.equal(path.toString(), 'spec.containers[0].env[A]');
    assert.equal(FieldPath.of().toString(), '');
    assert.equal(FieldPath.of().index(1).child('a').toString(), '[1].a');
  });
});

describe('field errors', () => {
  const path = FieldPath.of('a');
  const texts: [FieldError, string, string][] = [
    [required(path), 'a: Required value', 'FieldValueRequired'],
    [required(path, 'why'), 'a: Required value: why', 'FieldValueRequired'],
    [invalid(path, 'x', 'why'), 'a: Invalid value: "x": why', 'FieldValueInvalid'],
    [invalid(path, -1, 'why'), 'a: Invalid value: -1: why', 'FieldValueInvalid'],
    [invalid(path, 0.5, 'why'), 'a: Invalid value: 0.5: why', 'FieldValueInvalid'],
    [invalid(path, 1e21, 'why'), 'a: Invalid value: 1e+21: why', 'FieldValueInvalid'],
    [invalid(path, 1.5e-7, 'why'), 'a: Invalid value: 1.5e-07: why', 'FieldValueInvalid'],
    [invalid(path, 9007199254740993n, 'why'), 'a: Invalid value: 9007199254740993: why', 'FieldValueInvalid'],
    [invalid(path, true, 'why'), 'a: Invalid value: true: why', 'FieldValueInvalid'],
    [invalid(path, null, 'why'), 'a: Invalid value: null: why', 'FieldValueInvalid'],
    [invalid(path, undefined, 'why'), 'a: Invalid value: null: why', 'FieldValueInvalid'],
    [invalid(path, { b: ['<&>'] }, ''), 'a: Invalid value: {"b":["\\u003c\\u0026\\u003e"]}', 'FieldValueInvalid'],
    [invalid(path, [1n], ''), 'a: Invalid value: [1]', 'FieldValueInvalid'],
    [typeInvalid(path, 'x', 'why'), 'a: Invalid value: "x": why', 'FieldValueTypeInvalid'],
    [duplicate(path, 'x'), 'a: Duplicate value: "x"', 'FieldValueDuplicate'],
    [forbidden(path, 'why'), 'a: Forbidden: why', 'FieldValueForbidden'],
    [notFoundField(path, 'x'), 'a: Not found: "x"', 'FieldValueNotFound'],
    [
      notSupported(path, 'x', ['b', 'a']),
      'a: Unsupported value: "x": supported values: "b", "a"',
      'FieldValueNotSupported',
    ],
    [notSupported(path, 'x', []), 'a: Unsupported value: "x"', 'FieldValueNotSupported'],
    [tooLong(path, 'x', 63), 'a: Too long: may not be more than 63 bytes', 'FieldValueTooLong'],
    [tooLong(path, 'x', 1), 'a: Too long: may not be more than 1 byte', 'FieldValueTooLong'],
    [tooMany(path, 9, 8), 'a: Too many: 9: must have at most 8 items', 'FieldValueTooMany'],
    [tooMany(path, 2, 1), 'a: Too many: 2: must have at most 1 item', 'FieldValueTooMany'],
    [internalField(path, 'why'), 'a: Internal error: why', 'InternalError'],
  ];
  for (const [error, text, reason] of texts) {
    it(text, () => {
      assert.equal(errorText(error), text);
      assert.equal(errorReason(error), reason);
    });
  }

  it('quote as Go does', () => {
    assert.equal(goQuote('a"\\\n\t\x07\x00\x7f'), '"a\\"\\\\\\n\\t\\a\\x00\\x7f"');
    assert.equal(goQuote('é😀\u200b\ufeff\u{e0001}'), '"é😀\\u200b\\ufeff\\U000e0001"');
    assert.equal(goQuote('\ud800'), '"\ufffd"');
  });
});
