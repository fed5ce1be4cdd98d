/** What the flags of audit, limits and HSTS make of a cluster, and which of them are refused. */
import assert from 'node:assert/strict';
import { Command } from 'commander';
import { addSurfaceFlags, surfaceOptions } from '../../src/cli/surface-flags.ts';

function parsed(...args: string[]): ReturnType<typeof surfaceOptions> {
  const command = addSurfaceFlags(new Command('server'))
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  return surfaceOptions(command.parse(args, { from: 'user' }).opts());
}

describe('the flags of the surface', () => {
  it('say nothing when they are absent', () => {
    assert.deepEqual(parsed(), { audit: {}, inFlight: {} });
  });

  it('are kube-apiserver’s', () => {
    const directives = 'max-age=31536000, includeSubDomains,preload';
    assert.deepEqual(
      parsed(
        ...['--audit-log-path', '-', '--audit-policy-file', 'p.yaml', '--audit-log-maxsize', '5'],
        ...['--audit-log-maxbackup', '2', '--audit-log-maxage', '30'],
        ...['--max-requests-inflight', '10', '--max-mutating-requests-inflight', '5'],
        ...['--strict-transport-security-directives', directives],
      ),
      {
        audit: {
          auditLogPath: '-',
          auditPolicyFile: 'p.yaml',
          auditLogMaxsize: 5,
          auditLogMaxbackup: 2,
          auditLogMaxage: 30,
        },
        inFlight: { reads: 10, writes: 5 },
        strictTransportSecurity: 'max-age=31536000; includeSubDomains; preload',
      },
    );
  });

  const refused: readonly [string, string][] = [
    ['--audit-log-maxsize', '-1'],
    ['--audit-log-maxage', 'a week'],
    ['--max-requests-inflight', '0'],
    ['--strict-transport-security-directives', 'preload'],
    ['--strict-transport-security-directives', 'max-age=1,evil\r\nX-Injected: 1'],
  ];
  for (const [flag, value] of refused) {
    it(`refuse ${flag} ${JSON.stringify(value)}`, () => {
      assert.throws(() => parsed(`${flag}=${value}`), { code: 'commander.invalidArgument' });
    });
  }
});
