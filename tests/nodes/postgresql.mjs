// A PostgreSQL of the test's own, and a wire to it that can be cut, slowed down or made deaf: between a node and its database, without root.
import { execFileSync, spawn } from 'node:child_process';
import { appendFileSync, chownSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
export const freePort = () => new Promise((resolve) => { const s = net.createServer().listen(0, '127.0.0.1', () => { const { port } = s.address(); s.close(() => resolve(port)); }); });

const versions = readdirSync('/usr/lib/postgresql').sort((a, b) => b - a);
const programs = `/usr/lib/postgresql/${versions[0]}/bin`;
// PostgreSQL refuses to run as root; its package brings a user for it.
const id = (what) => +execFileSync('id', [what, 'postgres'], { encoding: 'utf8' });
const user = process.getuid() === 0 ? { uid: id('-u'), gid: id('-g') } : {};

export class Postgresql {
  constructor(name = 'pg') {
    this.directory = mkdtempSync(join(tmpdir(), `writ-${name}-`));
    if (user.uid) chownSync(this.directory, user.uid, user.gid);
    this.data = join(this.directory, 'data');
  }
  run(program, ...args) { return execFileSync(join(programs, program), args, { ...user, cwd: this.directory, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env.PATH, LC_ALL: 'C' } }); }
  async create() {
    this.port = await freePort();
    this.run('initdb', '-D', this.data, '-A', 'trust', '-U', 'writ', '--no-sync', '-E', 'UTF8', '--no-locale');
    this.settings();
    await this.start();
    this.sql('CREATE DATABASE writ', 'postgres');
  }
  // The primary's, copied: follows it.
  async follow(primary) {
    this.port = await freePort();
    this.run('pg_basebackup', '-D', this.data, '-h', '127.0.0.1', '-p', String(primary.port), '-U', 'writ', '-R', '-X', 'stream', '-c', 'fast');
    this.settings();
    await this.start();
  }
  settings() { appendFileSync(join(this.data, 'postgresql.conf'), `listen_addresses = '127.0.0.1'\nport = ${this.port}\nunix_socket_directories = ''\nmax_connections = 60\nshared_buffers = 32MB\n`); }
  async start() {
    this.child = spawn(join(programs, 'postgres'), ['-D', this.data], { ...user, cwd: this.directory, stdio: ['ignore', 'ignore', 'pipe'], env: { PATH: process.env.PATH, LC_ALL: 'C' } });
    this.log = '';
    this.child.stderr.on('data', (d) => { this.log = (this.log + d).slice(-4000); });
    this.child.gone = new Promise((resolve) => this.child.on('exit', resolve));
    const begun = Date.now();
    while (Date.now() - begun < 20_000) {
      try { this.sql('SELECT 1', 'postgres'); return; } catch { await sleep(25); }
      if (this.child.exitCode !== null) break;
    }
    throw new Error(`PostgreSQL does not start: ${this.log}`);
  }
  // SIGQUIT: at once, as when the machine fails. Its children end with it.
  async stop(signal = 'SIGQUIT') {
    if (!this.child || this.child.exitCode !== null || this.child.signalCode) return;
    this.child.kill(signal);
    await this.child.gone;
  }
  sql(text, database = 'writ') { return execFileSync('psql', ['-h', '127.0.0.1', '-p', String(this.port), '-U', 'writ', '-d', database, '-qAtX', '-F', '\t', '-c', text], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 30 }).trim(); }
  async destroy() {
    await this.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

// What is sent through it arrives, unless: `hole` (nothing arrives, in either direction), `deaf` (answers do not arrive), `slow` (all arrives 2 s later),
// `cut` (connections end, and there are no new ones).
export class Wire {
  constructor(to) { this.to = to; this.mode = 'pass'; this.pairs = new Set(); }
  async open() {
    this.server = net.createServer((near) => {
      if (this.mode === 'cut') return near.destroy();
      const far = net.connect(this.to(), '127.0.0.1');
      const pair = [near, far];
      this.pairs.add(pair);
      const end = () => { near.destroy(); far.destroy(); this.pairs.delete(pair); };
      const pass = (from, into, isAnswer) => from.on('data', (data) => {
        if (this.mode === 'hole' || (this.mode === 'deaf' && isAnswer)) return;
        if (this.mode === 'slow') setTimeout(() => into.destroyed || into.write(data), 2000);
        else into.write(data);
      });
      pass(near, far, false), pass(far, near, true);
      for (const socket of pair) socket.setNoDelay(), socket.on('error', end), socket.on('close', end);
    });
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.port = this.server.address().port;
  }
  set(mode) {
    this.mode = mode;
    if (mode === 'cut') for (const [near, far] of this.pairs) near.destroy(), far.destroy();
  }
  close() { this.set('cut'); this.server.close(); }
}
