/** Clients that dawdle, on every leg of a request: none of them holds a connection, or an answer, for long. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectPlain, type Socket } from 'node:net';
import { connect } from 'node:tls';
import { writeBody } from '../../src/apiserver/response-body.ts';
import { type HttpsListener, type ListenOptions, listen } from '../../src/cluster/https-listener.ts';
import { type ClusterPki, clusterPki } from '../../src/cluster/pki.ts';

describe('slow clients', () => {
  let pki: ClusterPki;
  let listener: HttpsListener;
  let hungUp: Promise<void>;
  before(async () => {
    pki = await clusterPki(undefined, '127.0.0.1', Date.now());
  });
  afterEach(() => listener.close());

  const start = async (limits: ListenOptions['limits'], answerBytes = 2): Promise<void> => {
    let cut: () => void;
    hungUp = new Promise((resolve) => {
      cut = resolve;
    });
    listener = await listen({
      handler: (request, response) => {
        request.socket.once('close', cut);
        request.on('error', () => undefined).resume();
        request.on('end', () => void writeBody(request, response, 200, {}, [Buffer.alloc(answerBytes, 0x61)]));
      },
      serving: pki.serving,
      clientAuthority: pki.authority.certificate,
      bind: '127.0.0.1',
      port: 0,
      ...(limits === undefined ? {} : { limits }),
    });
  };
  const dial = async (): Promise<Socket> => {
    const socket = connect({ host: '127.0.0.1', port: listener.port, ca: pki.authority.certificate });
    socket.on('error', () => undefined);
    await once(socket, 'secureConnect');
    return socket;
  };
  const said = async (socket: Socket): Promise<string> => {
    let text = '';
    socket.on('data', (chunk) => {
      text += String(chunk);
    });
    await once(socket, 'close');
    return text;
  };

  it('are cut when they do not shake hands', async () => {
    await start({ handshakeTimeout: 100 });
    const socket = connectPlain(listener.port, '127.0.0.1').on('error', () => undefined);
    assert.equal(await said(socket), '');
  });

  it('are answered 408 when the head of a request does not come', async () => {
    await start({ headersTimeout: 100 });
    const socket = await dial();
    socket.write('GET / HTTP/1.1\r\nHost: x\r\nX-');
    const drip = setInterval(() => socket.write('a'), 20);
    assert.match(await said(socket), /^HTTP\/1\.1 408 Request Timeout\r\n/);
    clearInterval(drip);
  });

  it('are answered 408 when the body of a request does not come', async () => {
    await start({ headersTimeout: 100, requestTimeout: 200 });
    const socket = await dial();
    socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{');
    const drip = setInterval(() => socket.write(' '), 20);
    assert.match(await said(socket), /^HTTP\/1\.1 408 Request Timeout\r\n/);
    clearInterval(drip);
  });

  it('are answered 431 when a head is too long', async () => {
    await start({ maxHeaderBytes: 1024 });
    const socket = await dial();
    socket.write(`GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${'a'.repeat(2000)}\r\n\r\n`);
    assert.match(await said(socket), /^HTTP\/1\.1 431 Request Header Fields Too Large\r\n/);
  });

  it('are cut when they keep a connection and ask for nothing', async () => {
    await start({ keepAliveTimeout: 100 });
    const socket = await dial();
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    assert.match(await said(socket), /aa$/);
  });

  it('are cut when they take nothing of an answer', async () => {
    await start({ stallTimeout: 200 }, 64 * 1024 * 1024);
    const socket = await dial();
    socket.pause();
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await hungUp;
    assert.equal(socket.readableEnded, false);
    socket.destroy();
  });

  it('get all of an answer that they take slowly', async () => {
    const size = 8 * 1024 * 1024;
    await start({ stallTimeout: 1000 }, size);
    const socket = await dial();
    socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    let taken = 0;
    socket.on('data', (chunk) => {
      taken += chunk.length;
      socket.pause();
      // All of it takes longer than nothing may take.
      setTimeout(() => socket.resume(), 5);
    });
    await once(socket, 'close');
    assert.ok(taken >= size, `${taken} bytes`);
  });
});
