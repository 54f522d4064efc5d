import { generateKeyPairSync } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generate } from 'selfsigned';

/** A certificate and its private key, both PEM. */
export interface KeyPair {
  certificate: string;
  privateKey: string;
}

/** Everything that the processes of one control plane trust each other by; valid for a week. */
export interface Credentials {
  /** PEM of the authority that signed every certificate here. */
  authority: string;
  serving: KeyPair;
  /** Member of system:masters: may do everything. */
  admin: KeyPair;
  controllerManager: KeyPair;
}

/** Paths of the files that the binaries take as flags. */
export interface CredentialFiles {
  authority: string;
  servingCertificate: string;
  servingKey: string;
  serviceAccountPublicKey: string;
  serviceAccountPrivateKey: string;
}

const VALID_MILLISECONDS = 7 * 24 * 3600 * 1000;
const COMMON = { keyType: 'ec', algorithm: 'sha256' } as const;

/** Makes a new authority and what it signs. Elliptic curves, since making RSA keys would take longer than etcd's start. */
export async function generateCredentials(): Promise<Credentials> {
  // A minute back, for the case that the clock is being set.
  const notBeforeDate = new Date(Date.now() - 60_000);
  const validity = { notBeforeDate, notAfterDate: new Date(notBeforeDate.getTime() + VALID_MILLISECONDS) };
  const authority = await generate([{ name: 'commonName', value: 'config-weaver-control-plane' }], {
    ...COMMON,
    ...validity,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, digitalSignature: true, critical: true },
    ],
  });
  const signer = { key: authority.private, cert: authority.cert };

  const sign = async (commonName: string, server: boolean, organization?: string): Promise<KeyPair> => {
    const subject = [{ name: 'commonName', value: commonName }];
    if (organization !== undefined) subject.unshift({ name: 'organizationName', value: organization });
    const made = await generate(subject, {
      ...COMMON,
      ...validity,
      ca: signer,
      extensions: [
        { name: 'basicConstraints', cA: false, critical: true },
        { name: 'keyUsage', digitalSignature: true, critical: true },
        { name: 'extKeyUsage', serverAuth: server, clientAuth: !server },
        ...(server ? [SERVING_NAMES] : []),
      ],
    });
    return { certificate: made.cert, privateKey: made.private };
  };

  const [serving, admin, controllerManager] = await Promise.all([
    sign('kube-apiserver', true),
    sign('control-plane-admin', false, 'system:masters'),
    sign('system:kube-controller-manager', false),
  ]);
  return { authority: authority.cert, serving, admin, controllerManager };
}

const SERVING_NAMES = {
  name: 'subjectAltName' as const,
  altNames: [
    { type: 7 as const, ip: '127.0.0.1' },
    { type: 2 as const, value: 'localhost' },
    { type: 2 as const, value: 'kubernetes.default.svc' },
  ],
};

/** Writes what the binaries read from files, keys readable by their owner only. Includes a new ServiceAccount signing key. */
export async function writeCredentialFiles(
  directory: string,
  credentials: Credentials,
): Promise<CredentialFiles> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const serviceAccount = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const write = async (name: string, content: string): Promise<string> => {
    const path = join(directory, name);
    await writeFile(path, content, { mode: 0o600 });
    return path;
  };
  const [authority, servingCertificate, servingKey, serviceAccountPublicKey, serviceAccountPrivateKey] =
    await Promise.all([
      write('ca.crt', credentials.authority),
      write('apiserver.crt', credentials.serving.certificate),
      write('apiserver.key', credentials.serving.privateKey),
      write('sa.pub', serviceAccount.publicKey.export({ type: 'spki', format: 'pem' }).toString()),
      write('sa.key', serviceAccount.privateKey.export({ type: 'sec1', format: 'pem' }).toString()),
    ]);
  return { authority, servingCertificate, servingKey, serviceAccountPublicKey, serviceAccountPrivateKey };
}
