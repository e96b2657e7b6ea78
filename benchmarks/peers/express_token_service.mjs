// The two grants as a user of an MCP SDK would write them: express and jose.
import express from 'express';
import { authenticate, run, Refused } from './grants.mjs';

const app = express();
app.use(express.urlencoded({ extended: false }));
app.post('/token', async (request, response) => {
  try {
    const client = authenticate(request.headers.authorization);
    response.set('Cache-Control', 'no-store').json(await run(request.body, client));
  } catch (e) {
    response.status(e instanceof Refused ? e.status : 500).json({ error: e.error ?? 'server_error' });
  }
});
app.listen(+process.env.PORT, '127.0.0.1');
