// A real browser without a window, driven over its debugging protocol. Needs a Node with WebSocket (22 and later).
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const chromiumPath = () => [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((p) => p && existsSync(p));
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Chromium {
  static async start(path = chromiumPath()) {
    const b = new Chromium();
    b.profile = mkdtempSync(join(tmpdir(), 'writ-chromium-'));
    b.child = spawn(path, ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--remote-debugging-port=0', '--window-size=900,900', `--user-data-dir=${b.profile}`, 'about:blank'], { stdio: 'ignore' });
    b.exited = new Promise((resolve) => b.child.on('exit', resolve));
    const portFile = join(b.profile, 'DevToolsActivePort');
    for (let i = 0; i < 200 && !(existsSync(portFile) && readFileSync(portFile, 'utf8').includes('\n')); i++) await sleep(100);
    const port = readFileSync(portFile, 'utf8').split('\n')[0];
    let page;
    for (let i = 0; i < 50 && !page; i++) { page = (await (await fetch(`http://127.0.0.1:${port}/json`)).json()).find((t) => t.type === 'page'); if (!page) await sleep(100); }
    b.socket = new WebSocket(page.webSocketDebuggerUrl);
    await new Promise((resolve, reject) => { b.socket.onopen = resolve; b.socket.onerror = () => reject(new Error('no connection to Chromium')); });
    b.waiting = new Map(); b.number = 0; b.complaints = [];
    b.socket.onmessage = ({ data }) => {
      const m = JSON.parse(data);
      if (m.id) { b.waiting.get(m.id)?.(m); b.waiting.delete(m.id); }
      // What the browser blocks for the page's policy is told as a log entry of level error.
      else if (m.method === 'Log.entryAdded' && m.params.entry.level === 'error') b.complaints.push(m.params.entry.text);
    };
    for (const domain of ['Page', 'Runtime', 'Log']) await b.ask(`${domain}.enable`);
    return b;
  }
  ask(method, params = {}) {
    const id = ++this.number;
    this.socket.send(JSON.stringify({ id, method, params }));
    return new Promise((resolve, reject) => this.waiting.set(id, (m) => (m.error ? reject(new Error(`${method}: ${m.error.message}`)) : resolve(m.result))));
  }
  async run(expression) {
    const { result, exceptionDetails } = await this.ask('Runtime.evaluate', { expression, returnByValue: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }
  open(url) { return this.ask('Page.navigate', { url }); }
  address() { return this.run('location.href'); }
  // Until the expression is true on whatever page is there then; a page that is just going away counts as not yet.
  async until(expression, what, seconds = 15) {
    for (let i = 0; i < seconds * 10; i++) { if (await this.run(`document.readyState === 'complete' && !!(${expression})`).catch(() => false)) return; await sleep(100); }
    throw new Error(`${what} did not come: at ${await this.address().catch(() => '?')}: ${(await this.run('document.body.innerText').catch(() => '')).slice(0, 300)} ${this.complaints.join(' | ').slice(0, 300)}`);
  }
  // As a person does: types into the field that has the focus, key by key.
  async type(selector, text) { await this.run(`document.querySelector(${JSON.stringify(selector)}).focus()`); await this.ask('Input.insertText', { text }); }
  async click(selector) {
    const at = await this.run(`(() => { const e = document.querySelector(${JSON.stringify(selector)}); e.scrollIntoView({ block: 'center' }); const r = e.getBoundingClientRect(); return { x: r.x + r.width / 2, y: r.y + r.height / 2 }; })()`);
    for (const type of ['mousePressed', 'mouseReleased']) await this.ask('Input.dispatchMouseEvent', { type, ...at, button: 'left', clickCount: 1 });
  }
  async screenshot(file) { writeFileSync(file, Buffer.from((await this.ask('Page.captureScreenshot', { format: 'png' })).data, 'base64')); }
  async forgetCookies() { await this.ask('Network.clearBrowserCookies'); }
  async stop() {
    this.socket?.close();
    this.child.kill('SIGTERM');
    if (await Promise.race([this.exited.then(() => true), sleep(5000)]) !== true) this.child.kill('SIGKILL');
    await this.exited;
    // Its helper processes outlive it by some moments, and write into the profile until then.
    for (let i = 0; i < 50; i++) {
      try { return rmSync(this.profile, { recursive: true, force: true }); } catch (e) { if (e.code !== 'ENOTEMPTY') throw e; }
      await sleep(100);
    }
    console.log(`left behind: ${this.profile}`);
  }
}
