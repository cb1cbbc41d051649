//! DE7: the agent that issued the credential, and the DIDs that answer for it.

use super::kind::Kind;
use super::{Case, Fault, denied};
use crate::agent::{AgentChain, AgentLink, Delegation, verify};
use crate::id::Did;
use crate::record::{Entry, RecordKey, StoreError, last_holding};
use crate::trust::answer::{chain, end_of, grants};
use crate::trust::{
    Chain, Grant, GrantStatus, Link, Reason, deactivated_since, left_place, since_text,
};

impl Case<'_> {
    /// Takes step DE7.
    pub(super) fn agent(&self, text: &str, kind: &Kind) -> Result<String, Fault> {
        let issued_at = self.issued_at();
        let Some(agent) = self.local(text) else {
            return denied(format!("{text} is no DID of this network"));
        };
        let Some(resource) = &kind.resource else {
            return denied(format!("no type is known that {agent} might issue"));
        };
        let time_ms = self.question.issued_at_ms;
        let then = verify(self.moments.then, &agent, &self.issue, resource, time_ms)?;
        let Some(chain) = then.chain else {
            return denied(format!("{agent} was no agent at {issued_at}: nobody answers for it"));
        };
        if let Some(fault) = chain.fault() {
            return denied(format!("{agent} might not issue {resource} at {issued_at}: {fault}"));
        }
        let Some((principal, grants)) = self.answering(&chain, kind)? else {
            let issuer = &self.question.issuer;
            return denied(format!(
                "none of those who answer for {agent} might issue for {issuer}"
            ));
        };
        self.check_principals(&chain)?;
        self.check_grants(grants.iter().flat_map(|chain| &chain.links))?;
        Ok(format!("{agent} might issue {resource} at {issued_at}, and {principal} answers for it"))
    }

    /// Finds the principal on the chain that was the issuer, or that had the right by a live chain
    /// through the issuer.
    fn answering(
        &self,
        chain: &AgentChain,
        kind: &Kind,
    ) -> Result<Option<(Did, Option<Chain>)>, Fault> {
        let Some(issuer) = self.local(&self.question.issuer) else { return Ok(None) };
        for principal in chain.principals() {
            if *principal == issuer {
                return Ok(Some((issuer, None)));
            }
            let Some(key) = self.right_of(&principal.to_string(), kind) else { continue };
            let answer = self.ask_then(&key, Some(&issuer), None)?;
            if let Some(chain) = answer.chain.filter(Chain::is_live) {
                return Ok(Some((principal.clone(), Some(chain))));
            }
        }
        Ok(None)
    }

    /// Checks that no DID above the agent has since been deactivated and no delegation suspended or
    /// revoked.
    fn check_principals(&self, chain: &AgentChain) -> Result<(), Fault> {
        let now = self.moments.now;
        for link in &chain.links {
            let (principal, agent) = (&link.delegation.principal, &link.delegation.agent);
            if let Some(since) = deactivated_since(now, principal)? {
                let since = since_text(Some(since));
                return denied(format!(
                    "{principal}, who answered for {agent}, is deactivated{since}"
                ));
            }
            let last = self.last_of(link)?;
            if last.status != GrantStatus::Active {
                let (status, since) = (last.status.name(), since_text(Some(last.since)));
                return denied(format!(
                    "the delegation by {principal} to {agent} is {status}{since}"
                ));
            }
        }
        Ok(())
    }

    /// Returns the delegation as its principal left it. It does so also if the agent has since
    /// accepted another principal (AG3), which neither withdraws nor repairs the old delegation.
    fn last_of(&self, link: &AgentLink) -> Result<Delegation, StoreError> {
        let agent = &link.delegation.agent;
        let (now, key) = (self.moments.now, RecordKey::delegation(agent));
        let missing = || StoreError::new(format!("no version of the delegation to {agent}"));
        let newest = now.entry(&key)?.ok_or_else(missing)?;
        let present: Delegation = newest.value()?;
        if present.principal == link.delegation.principal {
            return Ok(present);
        }
        let first = now.version(&key, link.version)?.ok_or_else(missing)?;
        let made = link.delegation.made;
        let holds = |entry: &Entry| Ok(entry.value::<Delegation>()?.made == made);
        let (last, next) = last_holding(now, first, newest.record.version, holds)?;
        let (mut last, next) = (last.value::<Delegation>()?, next.ok_or_else(missing)?.record.time);
        // What a block does to a record is one version, so the next version may hold another
        // delegation already although this one had not ended: then it was revoked in that block.
        if last.status == GrantStatus::Active && next < last.valid_until {
            (last.status, last.since) = (GrantStatus::Revoked, next);
        }
        Ok(last)
    }

    /// Checks that no grant below the issuer, from which the principal had its right, has since
    /// been suspended, revoked or lost.
    fn check_grants<'l>(&self, links: impl Iterator<Item = &'l Link>) -> Result<(), Fault> {
        let issuer = &self.question.issuer;
        let beneath = links.skip_while(|link| link.grant.grantor.to_string() != *issuer);
        for link in beneath {
            let Link { key, grant, .. } = link;
            let (grantor, entity) = (&grant.grantor, &key.entity);
            let found = grants(self.moments.now, key)?;
            let newest = found.as_ref().map_or(0, |(_, newest)| *newest);
            let present = found.as_ref().and_then(|(present, _)| present.by(grantor)).cloned();
            let present = match present {
                Some(present) => Some(present),
                None => self.ended(link, newest)?,
            };
            let Some(present) = present else {
                return denied(format!(
                    "the grant by {grantor} to {entity} was lost and made room for another"
                ));
            };
            if present.status != GrantStatus::Active {
                let (status, since) = (present.status.name(), since_text(Some(present.since)));
                return denied(format!("the grant by {grantor} to {entity} is {status}{since}"));
            }
        }
        Ok(())
    }

    /// Returns a grant that made room for another after its chain had ended, as it stood then
    /// (TR4); `None` if it was lost. `newest` is the newest version of its record.
    fn ended(&self, link: &Link, newest: u64) -> Result<Option<Grant>, StoreError> {
        let now = self.moments.now;
        let Some(held) = now.version(&RecordKey::grant(&link.key), link.version)? else {
            return Ok(None);
        };
        let Some(left) = left_place(now, &link.grant.made, held, newest)? else { return Ok(None) };
        let chain = chain(now, self.network, left.link.clone(), left.time_ms)?;
        let lost =
            chain.broken.as_ref().map(|broken| broken.reason).is_some_and(Reason::is_lasting);
        let ended = end_of(&chain).is_some_and(|end| end <= left.time_ms);
        Ok(Some(left.link.grant).filter(|_| ended && !lost))
    }
}
