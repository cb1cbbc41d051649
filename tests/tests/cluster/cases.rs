//! Operations that the ledger must refuse, each with its code.

use std::time::Duration;

use registry_core::code::Code;
use registry_core::codec::{self, Bytes};
use registry_core::crypto::{Hash, Suite};
use registry_core::limits::OPERATION_BYTES_MAX;
use registry_core::operation::{Role, SignedOperation};
use registry_tests::cluster::{Chain, Client, Signed, Wallet, seal};

/// An operation that must be refused.
pub(crate) struct Case {
    pub(crate) what: &'static str,
    pub(crate) code: Code,
    pub(crate) signed: Signed,
}

const WAIT: Duration = Duration::from_secs(20);

/// Commits a write and returns the hash of the record that it made.
pub(crate) async fn commit(node: &Client, signed: &Signed) -> Hash {
    let answer = node.submit_and_wait(&signed.envelope, WAIT).await.expect("a valid write");
    answer["receipt"]["record"].as_str().expect("a hash").parse().expect("a hash")
}

/// Replaces S of a P-256 signature by the order of the group minus S. The result is the same
/// signature in malleated form.
fn raise_s(value: &[u8]) -> Vec<u8> {
    let signature = p256::ecdsa::Signature::from_slice(value).expect("a signature");
    let (r, s) = signature.split_scalars();
    let raised = p256::ecdsa::Signature::from_scalars(r.to_bytes(), (-s).to_bytes());
    raised.expect("a signature").to_bytes().to_vec()
}

/// Returns the envelope with every signature changed.
fn with_signatures(signed: &Signed, change: impl Fn(&[u8]) -> Vec<u8>) -> Signed {
    let mut envelope: SignedOperation =
        codec::decode(&signed.envelope, OPERATION_BYTES_MAX).expect("an envelope");
    for signature in &mut envelope.signatures {
        signature.value = Bytes(change(&signature.value.0));
    }
    Signed { operation: signed.operation, envelope: envelope.bytes() }
}

/// Adds a field to an operation. Its name is the longest, so in canonical form it comes last. The
/// first byte of a small map is 0xa0 plus the number of its fields.
fn unknown_field(wallet: &Wallet) -> Signed {
    let mut body = wallet.create_operation(0).body();
    body[0] += 1;
    body.extend_from_slice(b"\x67comment\x01");
    seal(body, Role::Control, &[&wallet.control[0]])
}

/// Replaces a character of a DID by one that no DID contains. The length stays the same.
fn malformed_did(wallet: &mut Wallet) -> Signed {
    let update = wallet.update(1);
    let envelope: SignedOperation =
        codec::decode(&update.envelope, OPERATION_BYTES_MAX).expect("an envelope");
    let (mut body, did) = (envelope.body.0, wallet.did().to_string());
    let at = body.windows(did.len()).position(|window| window == did.as_bytes());
    body[at.expect("the author") + did.len() - 1] = b'!';
    seal(body, Role::Control, &[&wallet.control[0]])
}

/// Makes an operation that is as large as gossip carries, and so larger than a DID operation may
/// be.
fn too_large(wallet: &Wallet) -> Signed {
    let sealed = (0..).step_by(8).map(|names| {
        let body = wallet.create_operation(names).body();
        seal(body, Role::Control, &[&wallet.control[0]])
    });
    let mut large = sealed.skip_while(|signed| signed.envelope.len() < 17 * 1024 - 256);
    large.next().expect("no end of names")
}

/// Makes a create for another chain. This chain would otherwise accept it.
fn elsewhere(chain: &Chain) -> Signed {
    let mut wallet = Wallet::new(chain, Suite::Ed25519, 1);
    wallet.chain.id = Hash([9; 32]);
    wallet.create()
}

/// Returns all cases, after committing through `node` the writes that they build on.
pub(crate) async fn cases(node: &Client, chain: &Chain) -> Vec<Case> {
    let case = |what, code, signed| Case { what, code, signed };
    let mut wallet = Wallet::new(chain, Suite::Ed25519, 1);
    commit(node, &wallet.create()).await;
    let first = wallet.held();
    let applied = wallet.update(1);
    commit(node, &applied).await;
    let malformed = malformed_did(&mut wallet);
    wallet.held = Some(first);
    let stale = wallet.update(2);

    let mut rotated = Wallet::new(chain, Suite::Ed25519, 1);
    commit(node, &rotated.create()).await;
    let (rotation, old) = rotated.rotate();
    commit(node, &rotation).await;
    let present = std::mem::replace(&mut rotated.control, old);
    let rotated_out = rotated.update(1);
    rotated.control = present;

    let single = Wallet::new(chain, Suite::Ed25519, 1);
    let pair = Wallet::new(chain, Suite::Ed25519, 2);
    let stripped = seal(pair.create_operation(0).body(), Role::Control, &[&pair.control[0]]);
    let p256 = Wallet::new(chain, Suite::P256, 1).create();
    vec![
        case("a rotated-out key", Code::SignerNotMember, rotated_out),
        case("a replayed operation", Code::AlreadyApplied, applied),
        case("an operation of another network", Code::ChainMismatch, elsewhere(chain)),
        case("a stripped co-signature", Code::ThresholdNotMet, stripped),
        case("a high-S signature", Code::SignatureHighS, with_signatures(&p256, raise_s)),
        case("an unknown field", Code::FieldUnknown, unknown_field(&single)),
        case("a 17 KiB operation", Code::OperationTooLarge, too_large(&single)),
        case("a malformed DID", Code::IdentifierMalformed, malformed),
        case("a stale guard", Code::GuardStale, stale),
    ]
}
