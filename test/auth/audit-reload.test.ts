/** A cluster's audit log begins, and goes on, as the policy file says. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/clock/clock.ts';
import { type ClusterAudit, clusterAudit } from '../../src/cluster/audit.ts';
import { silentLogger } from '../../src/runtime/logger.ts';

const user = { name: 'ann', groups: [] };

describe('a cluster’s audit policy', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'setpoint-policy-'));
  });
  afterEach(() => rm(directory, { recursive: true }));
  const file = (name: string): string => join(directory, name);
  const write = (level: string): Promise<void> =>
    writeFile(file('policy.yaml'), `apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: ${level}\n`);
  const begin = ({ auditor }: ClusterAudit, path: string) =>
    auditor.begin({
      auditId: path,
      requestUri: path,
      attributes: { user, verb: 'get', path },
      sourceIps: [],
      userAgent: '',
      received: 0,
    });

  it('is read again when its file changes, and stays as it is when that cannot be used', async () => {
    await write('None');
    const problems: string[] = [];
    let noticed = (): void => undefined;
    const log = {
      ...silentLogger,
      info: () => noticed(),
      error: (fields: object) => {
        problems.push(JSON.stringify(fields));
        noticed();
      },
    };
    const flags = { auditLogPath: file('audit.log'), auditPolicyFile: file('policy.yaml') };
    const audit = await clusterAudit(flags, systemClock, log);
    assert.ok(audit !== undefined);
    const changed = async (level: string): Promise<void> => {
      const seen = new Promise<void>((resolve) => {
        noticed = resolve;
      });
      await write(level);
      await seen;
    };
    begin(audit, '/unheard');
    await changed('Metadata');
    begin(audit, '/heard');
    await changed('Everything');
    begin(audit, '/heard-still');
    await audit.close();
    const events = (await readFile(file('audit.log'), 'utf8')).trim().split('\n');
    assert.deepEqual(
      events.map((line) => JSON.parse(line).requestURI),
      ['/heard', '/heard-still'],
    );
    assert.match(problems.join(), /rules\[0\]\.level: Unsupported value: \\"Everything\\"/);
  });

  it('that is wrong or missing ends the start', async () => {
    await write('Everything');
    const flags = { auditLogPath: file('audit.log'), auditPolicyFile: file('policy.yaml') };
    await assert.rejects(clusterAudit(flags, systemClock, silentLogger), { name: 'AuditPolicyError' });
    const missing = { ...flags, auditPolicyFile: file('none.yaml') };
    await assert.rejects(clusterAudit(missing, systemClock, silentLogger), /failed to read file path .*none\.yaml/);
  });

  it('without a log is none', async () => {
    await write('Metadata');
    assert.equal(await clusterAudit({ auditPolicyFile: file('policy.yaml') }, systemClock, silentLogger), undefined);
  });
});
