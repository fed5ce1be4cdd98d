/** `node examples/express/main.ts`, then: `kubectl --server http://127.0.0.1:8080 get namespaces` */
import { createApplication } from './server.ts';

const { app } = await createApplication();
app.listen(8080, '127.0.0.1', () => console.log('http://127.0.0.1:8080'));
