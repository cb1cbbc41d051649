//! Checks of polka and round certificates, which keep the rounds of validators in step: the signers
//! are distinct validators with enough power, and every signature verifies.

use registry_core::certificate::{ValidatorSet, Vote, VoteKind};
use registry_core::crypto::{Hash, ValidatorKey};

use crate::message::{PolkaCertificate, RoundCertificate, RoundCertificateKind};

/// Reason why a polka or round certificate proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateFault {
    /// A signer is listed twice or out of order.
    #[error("signer {validator} is listed twice or out of order")]
    Order {
        /// First such signer.
        validator: ValidatorKey,
    },
    /// A signer is not a validator of the height.
    #[error("signer {validator} is not a validator of this height")]
    Stranger {
        /// First such signer.
        validator: ValidatorKey,
    },
    /// A signature does not verify.
    #[error("the signature of {validator} does not verify")]
    Signature {
        /// Signer that it names.
        validator: ValidatorKey,
    },
    /// The signers have too little power for this kind of certificate.
    #[error("signed by power {signed} of {total}, too little for its kind")]
    Power {
        /// Power of the signers.
        signed: u64,
        /// Power of the whole set.
        total: u64,
    },
}

/// Checks that more than two thirds of the power prevoted the value.
pub(crate) fn check_polka(
    certificate: &PolkaCertificate,
    chain: Hash,
    set: &ValidatorSet,
) -> Result<(), CertificateFault> {
    let PolkaCertificate { height, round, value, signatures } = certificate;
    let (kind, value) = (VoteKind::Prevote, Some(*value));
    let message = Vote { chain, kind, height: *height, round: *round, value }.message();
    let votes: Vec<_> = signatures
        .iter()
        .map(|signature| (signature.validator, message, signature.signature.0))
        .collect();
    check(&votes, set, |power| set.is_quorum(power))
}

/// Checks that more than two thirds of the power precommitted in the round, or that more than one
/// third voted, depending on the kind of certificate.
pub(crate) fn check_round(
    certificate: &RoundCertificate,
    chain: Hash,
    set: &ValidatorSet,
) -> Result<(), CertificateFault> {
    let RoundCertificate { height, round, kind, signatures } = certificate;
    let votes: Vec<_> = signatures
        .iter()
        .map(|it| {
            let (kind, value) = (it.kind, it.value);
            let vote = Vote { chain, kind, height: *height, round: *round, value };
            (it.validator, vote.message(), it.signature.0)
        })
        .collect();
    check(&votes, set, |power| match kind {
        RoundCertificateKind::Precommit => set.is_quorum(power),
        RoundCertificateKind::Skip => power.saturating_mul(3) > set.total_power(),
    })
}

fn check(
    votes: &[(ValidatorKey, [u8; 32], [u8; 64])],
    set: &ValidatorSet,
    is_enough: impl Fn(u64) -> bool,
) -> Result<(), CertificateFault> {
    let mut previous: Option<ValidatorKey> = None;
    let mut signed: u64 = 0;
    for (validator, _, _) in votes {
        let validator = *validator;
        if previous.is_some_and(|previous| previous >= validator) {
            return Err(CertificateFault::Order { validator });
        }
        let power = set.power_of(&validator);
        if power == 0 {
            return Err(CertificateFault::Stranger { validator });
        }
        signed = signed.saturating_add(power);
        previous = Some(validator);
    }
    if !is_enough(signed) {
        return Err(CertificateFault::Power { signed, total: set.total_power() });
    }
    for (validator, message, signature) in votes {
        validator
            .verify(message, signature)
            .map_err(|_| CertificateFault::Signature { validator: *validator })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer as _, SigningKey};
    use registry_core::certificate::{CommitSignature, Validator};
    use registry_core::codec::FixedBytes;

    use super::*;
    use crate::message::RoundSignature;

    const CHAIN: Hash = Hash([7; 32]);
    const VALUE: Hash = Hash([9; 32]);

    fn keys() -> Vec<SigningKey> {
        let mut keys: Vec<_> = (1..=4).map(|seed| SigningKey::from_bytes(&[seed; 32])).collect();
        keys.sort_by_key(|key| key.verifying_key().to_bytes());
        keys
    }

    fn set() -> ValidatorSet {
        let validators = keys()
            .into_iter()
            .map(|key| Validator { key: ValidatorKey(key.verifying_key().to_bytes()), power: 5 });
        ValidatorSet::new(validators.collect()).unwrap()
    }

    fn sign(key: &SigningKey, kind: VoteKind, value: Option<Hash>) -> RoundSignature {
        let message = Vote { chain: CHAIN, kind, height: 3, round: 1, value }.message();
        RoundSignature {
            kind,
            value,
            validator: ValidatorKey(key.verifying_key().to_bytes()),
            signature: FixedBytes(key.sign(&message).to_bytes()),
        }
    }

    fn polka(count: usize) -> PolkaCertificate {
        let signature = |key: &SigningKey| {
            let RoundSignature { validator, signature, .. } =
                sign(key, VoteKind::Prevote, Some(VALUE));
            CommitSignature { validator, signature }
        };
        let signatures = keys().iter().take(count).map(signature).collect();
        PolkaCertificate { height: 3, round: 1, value: VALUE, signatures }
    }

    fn round(kind: RoundCertificateKind, count: usize) -> RoundCertificate {
        let values = [None, Some(VALUE), None, None];
        let signatures = keys()
            .iter()
            .zip(values)
            .take(count)
            .map(|(key, value)| sign(key, VoteKind::Precommit, value))
            .collect();
        RoundCertificate { height: 3, round: 1, kind, signatures }
    }

    #[test]
    fn a_polka_needs_more_than_two_thirds() {
        assert_eq!(check_polka(&polka(3), CHAIN, &set()), Ok(()));
        let too_few = Err(CertificateFault::Power { signed: 10, total: 20 });
        assert_eq!(check_polka(&polka(2), CHAIN, &set()), too_few);
    }

    #[test]
    fn a_round_certificate_needs_the_power_of_its_kind() {
        use RoundCertificateKind::{Precommit, Skip};
        assert_eq!(check_round(&round(Precommit, 3), CHAIN, &set()), Ok(()));
        assert_eq!(check_round(&round(Skip, 2), CHAIN, &set()), Ok(()));
        let too_few = |signed| Err(CertificateFault::Power { signed, total: 20 });
        assert_eq!(check_round(&round(Precommit, 2), CHAIN, &set()), too_few(10));
        assert_eq!(check_round(&round(Skip, 1), CHAIN, &set()), too_few(5));
    }

    #[test]
    fn every_signer_is_a_distinct_validator_whose_signature_verifies() {
        let check = |certificate: &PolkaCertificate| check_polka(certificate, CHAIN, &set());
        let mut twice = polka(3);
        twice.signatures[1] = twice.signatures[0];
        assert!(matches!(check(&twice), Err(CertificateFault::Order { .. })));

        let mut stranger = polka(4);
        stranger.signatures[3].validator = ValidatorKey([0xff; 32]);
        assert!(matches!(check(&stranger), Err(CertificateFault::Stranger { .. })));

        for other in [
            PolkaCertificate { round: 2, ..polka(3) },
            PolkaCertificate { height: 4, ..polka(3) },
            PolkaCertificate { value: CHAIN, ..polka(3) },
        ] {
            assert!(matches!(check(&other), Err(CertificateFault::Signature { .. })));
        }
        let elsewhere = check_polka(&polka(3), VALUE, &set());
        assert!(matches!(elsewhere, Err(CertificateFault::Signature { .. })));

        let mut changed = round(RoundCertificateKind::Skip, 2);
        changed.signatures[1].value = None;
        let verdict = check_round(&changed, CHAIN, &set());
        assert!(matches!(verdict, Err(CertificateFault::Signature { .. })));
    }
}
