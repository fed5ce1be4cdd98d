import assert from 'node:assert/strict';
import { FieldPath, invalid, required } from '../../src/machinery/field.ts';
import * as status from '../../src/machinery/status.ts';

const pods = { group: '', name: 'pods' };
const deployments = { group: 'apps', name: 'deployments' };

describe('Status errors', () => {
  const texts: [status.StatusError, number, string, string][] = [
    [status.notFound(deployments, 'web'), 404, 'NotFound', 'deployments.apps "web" not found'],
    [status.notFound(pods, 'a"b'), 404, 'NotFound', 'pods "a\\"b" not found'],
    [status.alreadyExists(pods, 'web'), 409, 'AlreadyExists', 'pods "web" already exists'],
    [
      status.modified(pods, 'web'),
      409,
      'Conflict',
      'Operation cannot be fulfilled on pods "web": the object has been modified; please apply your changes to the latest version and try again',
    ],
    [status.forbiddenError(deployments, 'web', 'why'), 403, 'Forbidden', 'deployments.apps "web" is forbidden: why'],
    [status.forbiddenError(deployments, '', 'why'), 403, 'Forbidden', 'deployments.apps is forbidden: why'],
    [status.forbiddenError({ group: '', name: '' }, '', 'why'), 403, 'Forbidden', 'forbidden: why'],
    [
      status.methodNotSupported(pods, 'patch'),
      405,
      'MethodNotAllowed',
      'patch is not supported on resources of kind "pods"',
    ],
    [status.requestEntityTooLarge('why'), 413, 'RequestEntityTooLarge', 'Request entity too large: why'],
    [status.internalError('why'), 500, 'InternalError', 'Internal error occurred: why'],
    [
      status.serverTimeout(pods, 'list', 1),
      500,
      'ServerTimeout',
      'The list operation against pods could not be completed at this time, please try again.',
    ],
    [status.timeoutError('why', 1), 504, 'Timeout', 'Timeout: why'],
  ];
  for (const [error, code, reason, message] of texts) {
    it(message, () => {
      assert.deepEqual([error.code, error.reason, error.message], [code, reason, message]);
      assert.equal(error.status.message, message);
    });
  }

  it('name what they are about', () => {
    assert.deepEqual(status.notFound(deployments, 'web').status, {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'deployments.apps "web" not found',
      reason: 'NotFound',
      details: { name: 'web', group: 'apps', kind: 'deployments' },
      code: 404,
    });
    assert.deepEqual(status.serverTimeout(pods, 'list', 2).status.details, {
      name: 'list',
      kind: 'pods',
      retryAfterSeconds: 2,
    });
  });

  it('list every cause, and every text once', () => {
    const name = FieldPath.of('metadata', 'name');
    const kind = { group: '', name: 'Pod' };
    const one = status.invalidObject(kind, 'a', [required(name), required(name)]);
    assert.equal(one.message, 'Pod "a" is invalid: metadata.name: Required value');
    assert.equal(one.status.details?.causes?.length, 2);
    const two = status.invalidObject(kind, 'a', [required(name), invalid(name, 'a', 'why')]);
    assert.equal(
      two.message,
      'Pod "a" is invalid: [metadata.name: Required value, metadata.name: Invalid value: "a": why]',
    );
    assert.deepEqual(two.status.details?.causes, [
      { reason: 'FieldValueRequired', message: 'Required value', field: 'metadata.name' },
      { reason: 'FieldValueInvalid', message: 'Invalid value: "a": why', field: 'metadata.name' },
    ]);
    assert.equal(status.invalidObject(kind, 'a', []).message, 'Pod "a" is invalid');
  });

  it('survive the wire', () => {
    const error = status.modified(deployments, 'web');
    assert.deepEqual(status.StatusError.from(error.status).status, error.status);
    assert.ok(status.isReason(error, 'NotFound', 'Conflict'));
    assert.ok(!status.isReason(new Error('x'), 'Conflict'));
  });
});
