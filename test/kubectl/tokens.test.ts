/** `kubectl create token` and `kubectl auth whoami`. */
import assert from 'node:assert/strict';
import { describeKubectl } from './transcript.ts';

describeKubectl('tokens', { controllers: ['serviceaccount-controller'] }, (session) => {
  it('knows who asks', async () => {
    await session().expect(`
      36$ kubectl auth whoami
      ATTRIBUTE                                           VALUE
      Username                                            kubernetes-admin
      Groups                                              [system:masters system:authenticated]
      Extra: authentication.kubernetes.io/credential-id   [X509SHA256=<word>]
      36$ kubectl auth whoami --as bob --as-group devs
      ATTRIBUTE   VALUE
      Username    bob
      Groups      [devs system:authenticated]
      36$ kubectl auth whoami --as system:serviceaccount:default:robot -o jsonpath={.status.userInfo.groups}
      ["system:serviceaccounts","system:serviceaccounts:default","system:authenticated"]
    `);
  });

  it('makes tokens', async () => {
    await session().expect(`
      36$ kubectl create serviceaccount robot
      serviceaccount/robot created
      36$ kubectl create token ghost
      error: failed to create token: serviceaccounts "ghost" not found
      [1]
      36$ kubectl create token robot --duration 5m
      error: failed to create token: TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 300: may not specify a duration less than 10 minutes
      [1]
      36$ kubectl create token robot --bound-object-kind Pod --bound-object-name gone
      error: failed to create token: pods "gone" not found
      [1]
    `);
    if (!session().newest) return;
    const { stdout } = await session().run('kubectl create token robot --audience vault --duration 20m');
    const claims = JSON.parse(Buffer.from(stdout.split('.')[1]!, 'base64url').toString());
    assert.deepEqual(claims.aud, ['vault']);
    assert.equal(claims.exp - claims.iat, 1200);
    assert.equal(claims.sub, 'system:serviceaccount:default:robot');
  });

  it('shows what an account has', async () => {
    await session().expect(`
      $ kubectl create serviceaccount shown --dry-run=server -o name
      serviceaccount/shown
      36$ kubectl get serviceaccount
      NAME      SECRETS   AGE
      default   0         <age>
      robot     0         <age>
    `);
  });
});
