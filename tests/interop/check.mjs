// Reads entries of a published status list with libraries that are not ours.
//
//   check.mjs MEDIA_TYPE SOURCE KEY ENTRY[,ENTRY…] [STATUS_SIZE]
//
// SOURCE is a file or an http(s) URL, KEY the publisher's Ed25519 Multikey. Prints one JSON object:
// {"accepted":true,"values":[{"library","entry","value"}…]}, or {"accepted":false,"error"} in the
// words of the library that refuses. Exits 2 on wrong use.
import { webcrypto } from 'node:crypto';
import { readFile } from 'node:fs/promises';

import { checkStatus as checkSized } from '@4sure-tech/vc-bitstring-status-lists';
import { DataIntegrityProof } from '@digitalbazaar/data-integrity';
import * as Ed25519Multikey from '@digitalbazaar/ed25519-multikey';
import { createVerifyCryptosuite } from '@digitalbazaar/eddsa-jcs-2022-cryptosuite';
import { defaultDocumentLoader } from '@digitalbazaar/vc';
import { checkStatus } from '@digitalbazaar/vc-bitstring-status-list';
import { Sign1 } from '@owf/cose';
import { getListFromStatusListJWT as owfList, StatusListCwt } from '@owf/token-status-list';
import { getListFromStatusListJWT as sdJwtList } from '@sd-jwt/jwt-status-list';
import { importJWK, jwtVerify } from 'jose';

const CONTEXT = 'https://www.w3.org/ns/credentials/v2';
const FORMS = {
  'application/vc': readCredential,
  'application/vc+jwt': readCredentialJwt,
  'application/statuslist+jwt': readTokenJwt,
  'application/statuslist+cwt': readTokenCwt,
};

async function load(mediaType, source) {
  if (!/^https?:/.test(source)) return readFile(source);
  const response = await fetch(source, { headers: { accept: mediaType } });
  const actual = response.headers.get('content-type') ?? '';
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  if (actual.split(';')[0] !== mediaType) throw new Error(`Content-Type ${actual}`);
  return Buffer.from(await response.arrayBuffer());
}

async function jwk(key) {
  return Ed25519Multikey.toJwk({ keyPair: await Ed25519Multikey.from({ publicKeyMultibase: key }) });
}

// Verifies proof and times by Digital Bazaar's libraries, then reads the entries.
async function readCredential(bytes, { key, entries, size }) {
  const list = JSON.parse(bytes);
  const method = {
    '@context': 'https://w3id.org/security/multikey/v1',
    id: list.proof.verificationMethod,
    type: 'Multikey',
    controller: list.issuer,
    publicKeyMultibase: key,
  };
  const controller = {
    '@context': ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/multikey/v1'],
    id: list.issuer,
    verificationMethod: [method],
    assertionMethod: [method.id],
  };
  const documents = { [list.id]: list, [method.id]: method, [list.issuer]: controller };
  const documentLoader = async (url) =>
    url in documents
      ? { contextUrl: null, documentUrl: url, document: structuredClone(documents[url]) }
      : defaultDocumentLoader(url);
  const suite = new DataIntegrityProof({ cryptosuite: createVerifyCryptosuite() });
  return readW3c(list, entries, size, { documentLoader, suite });
}

async function readCredentialJwt(bytes, { key, entries, size }) {
  const verified = await jwtVerify(bytes.toString(), await importJWK(await jwk(key), 'EdDSA'), {
    typ: 'vc+jwt',
  });
  const list = verified.payload;
  const documentLoader = async (url) => ({ contextUrl: null, documentUrl: url, document: list });
  const options = { documentLoader, verifyBitstringStatusListCredential: false };
  return readW3c(list, entries, size, options);
}

// The first library knows single bits alone; beyond those it still checks the credential.
async function readW3c(list, entries, size, options) {
  const values = [];
  for (const entry of entries) {
    const credential = referring(list, entry, size);
    const { verified, error, results } = await checkStatus({ credential, ...options });
    if (!verified) throw error;
    if (size === 1) {
      const value = Number(results[0].status);
      values.push({ library: '@digitalbazaar/vc-bitstring-status-list', entry, value });
      continue;
    }
    const getStatusListCredential = async () => structuredClone(list);
    const sized = await checkSized({ credential, getStatusListCredential });
    if (sized.error) throw sized.error;
    const library = '@4sure-tech/vc-bitstring-status-lists';
    values.push({ library, entry, value: sized.status });
  }
  return values;
}

// A credential whose status stands at an entry of the list.
function referring(list, entry, size) {
  const messages = Array.from({ length: 2 ** size }, (_, value) => ({
    status: `0x${value.toString(16)}`,
    message: 'any',
  }));
  return {
    '@context': [CONTEXT],
    id: 'urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33',
    type: ['VerifiableCredential'],
    issuer: list.issuer,
    credentialSubject: { id: 'did:example:holder', type: 'Person' },
    credentialStatus: {
      type: 'BitstringStatusListEntry',
      statusPurpose: list.credentialSubject.statusPurpose,
      statusListIndex: String(entry),
      statusListCredential: list.id,
      ...(size > 1 ? { statusSize: size, statusMessage: messages } : {}),
    },
  };
}

async function readTokenJwt(bytes, { key, entries }) {
  const token = bytes.toString();
  await jwtVerify(token, await importJWK(await jwk(key), 'EdDSA'), { typ: 'statuslist+jwt' });
  const lists = { '@sd-jwt/jwt-status-list': sdJwtList, '@owf/token-status-list': owfList };
  return Object.entries(lists).flatMap(([library, read]) => {
    const list = read(token);
    return entries.map((entry) => ({ library, entry, value: list.getStatus(entry) }));
  });
}

async function readTokenCwt(bytes, { key, entries }) {
  const raw = Buffer.from((await jwk(key)).x, 'base64url');
  const publicKey = await webcrypto.subtle.importKey('raw', raw, 'Ed25519', false, ['verify']);
  const sign1 = Sign1.decode(bytes);
  const { signature, toBeSigned } = sign1;
  if (!(await webcrypto.subtle.verify('Ed25519', publicKey, signature, toBeSigned))) {
    throw new Error('the signature of the CWT does not verify');
  }
  const { payload } = StatusListCwt.fromToken(bytes);
  if (payload.expirationTime < new Date()) throw new Error('the CWT has expired');
  const library = '@owf/token-status-list';
  return entries.map((entry) => ({ library, entry, value: payload.statusList.getStatus(entry) }));
}

const [mediaType, source, key, entries, size = '1'] = process.argv.slice(2);
if (!(mediaType in FORMS) || !entries) {
  console.error('usage: check.mjs MEDIA_TYPE SOURCE KEY ENTRY[,ENTRY…] [STATUS_SIZE]');
  process.exit(2);
}
try {
  const options = { key, entries: entries.split(',').map(Number), size: Number(size) };
  const values = await FORMS[mediaType](await load(mediaType, source), options);
  console.log(JSON.stringify({ accepted: true, values }));
} catch (error) {
  const words = error?.errors?.map(({ message }) => message).join('; ') || error?.message;
  console.log(JSON.stringify({ accepted: false, error: words ?? String(error) }));
}
