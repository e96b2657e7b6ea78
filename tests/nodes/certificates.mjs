// An authority for the nodes of one run, by the openssl command, and what it vouches for.
import { execFileSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export class Authority {
  constructor(directory, name) {
    this.directory = directory, this.name = name;
    this.file = join(directory, `${name}.pem`), this.key = join(directory, `${name}.key`);
    this.openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', this.key, '-out', this.file, '-subj', `/CN=${name}`, '-days', '2');
  }
  openssl(...words) { return execFileSync('openssl', words, { stdio: ['ignore', 'pipe', 'pipe'], cwd: this.directory }); }
  // `names` as openssl writes them: IP:127.0.0.1, DNS:node-1.example.
  issue(name, names) {
    const files = { certificate: join(this.directory, `${name}.pem`), key: join(this.directory, `${name}.key`) };
    const request = join(this.directory, `${name}.csr`), extensions = join(this.directory, `${name}.ext`);
    writeFileSync(extensions, `subjectAltName=${names}\nextendedKeyUsage=serverAuth,clientAuth\n`);
    this.openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', files.key, '-out', request, '-subj', `/CN=${name}`);
    this.openssl('x509', '-req', '-in', request, '-CA', this.file, '-CAkey', this.key, '-CAcreateserial', '-extfile', extensions, '-days', '2', '-out', files.certificate);
    chmodSync(files.key, 0o600);
    return files;
  }
}
