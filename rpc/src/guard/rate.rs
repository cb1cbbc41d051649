//! A token bucket for each client address, in a table of bounded size.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::bucket::{Bucket, Rate};
use crate::limits::{RATE_ADDRESSES_MAX, RATE_SWEEP};

/// Rates of all clients.
pub(super) struct Rates {
    rate: Rate,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    buckets: HashMap<IpAddr, Bucket>,
    swept_at: Option<Instant>,
}

/// Key of the bucket that all addresses share for which the table has no room.
const OTHERS: IpAddr = IpAddr::V6(Ipv6Addr::UNSPECIFIED);

impl Rates {
    /// Both limits must be positive; zero counts as one.
    pub(super) fn new(calls_per_second: u32, burst_calls: u32) -> Self {
        let (per_second, burst) = (calls_per_second.max(1).into(), burst_calls.max(1).into());
        Self { rate: Rate { per_second, burst }, table: Mutex::default() }
    }

    /// Takes `calls` from the bucket of the address. If there are fewer, takes nothing and returns
    /// the time in milliseconds after which there are enough. More calls than the burst are never
    /// granted.
    pub(super) fn take(&self, address: IpAddr, calls: u32, now: Instant) -> Result<(), u64> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let key = table.key(client_of(address), now);
        let bucket = table.buckets.entry(key).or_insert_with(|| Bucket::new(self.rate, now));
        bucket.take(calls.into(), now)
    }
}

impl Table {
    /// Returns the key of the bucket of `address`. If the table has no room, it forgets full
    /// buckets, at most once in [`RATE_SWEEP`]. If there is still no room, the key is [`OTHERS`].
    fn key(&mut self, address: IpAddr, now: Instant) -> IpAddr {
        if self.buckets.contains_key(&address) || self.buckets.len() < RATE_ADDRESSES_MAX {
            return address;
        }
        if self.swept_at.is_none_or(|then| now.saturating_duration_since(then) >= RATE_SWEEP) {
            self.swept_at = Some(now);
            self.buckets.retain(|_, bucket| !bucket.is_full(now));
        }
        if self.buckets.len() < RATE_ADDRESSES_MAX { address } else { OTHERS }
    }
}

/// One client has one IPv4 address or one IPv6 network of 64 bits.
fn client_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let network = u128::from(address) & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from(network))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn address(number: u32) -> IpAddr {
        std::net::Ipv4Addr::from(number).into()
    }

    #[test]
    fn each_address_has_a_bucket() {
        let (rates, now) = (Rates::new(10, 3), Instant::now());
        assert_eq!(rates.take(address(1), 2, now), Ok(()));
        assert_eq!(rates.take(address(1), 2, now), Err(100));
        assert_eq!(rates.take(address(1), 1, now), Ok(()));
        assert_eq!(rates.take(address(1), 1, now + Duration::from_millis(100)), Ok(()));
        assert_eq!(rates.take(address(2), 3, now), Ok(()));
    }

    #[test]
    fn a_flood_of_addresses_shares_one_bucket_and_the_table_stays_bounded() {
        let (rates, now) = (Rates::new(1, 1), Instant::now());
        let limit = u32::try_from(RATE_ADDRESSES_MAX).expect("small");
        for number in 0..limit {
            assert_eq!(rates.take(address(number), 1, now), Ok(()));
        }
        assert_eq!(rates.take(address(limit), 1, now), Ok(()));
        assert!(rates.take(address(limit + 1), 1, now).is_err());
        let len = || rates.table.lock().expect("lock").buckets.len();
        assert_eq!(len(), RATE_ADDRESSES_MAX + 1);
        assert_eq!(rates.take(address(limit + 1), 1, now + Duration::from_secs(2)), Ok(()));
        assert_eq!(len(), 1);
    }

    #[test]
    fn an_ipv6_network_is_one_client() {
        let (rates, now) = (Rates::new(1, 1), Instant::now());
        let address = |text: &str| text.parse::<IpAddr>().expect("an address");
        assert!(rates.take(address("2001:db8::1"), 1, now).is_ok());
        assert!(rates.take(address("2001:db8::2"), 1, now).is_err());
        assert!(rates.take(address("2001:db8:0:1::1"), 1, now).is_ok());
    }
}
