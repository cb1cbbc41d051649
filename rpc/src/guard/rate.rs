//! Token bucket for each client address, in a table of bounded size. A bucket is stored as one
//! number, the time at which it is full again (the generic cell rate algorithm).

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use crate::limits::{RATE_ADDRESSES_MAX, RATE_SWEEP_NS};

/// Token buckets of all clients. Times are nanoseconds of any monotonic clock.
pub(super) struct Rates {
    /// Nanoseconds in which a bucket regains one call.
    interval_ns: u64,
    /// Nanoseconds in which an empty bucket becomes full.
    burst_ns: u64,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    full_at_ns: HashMap<IpAddr, u64>,
    swept_at_ns: u64,
}

/// Key of the bucket that all addresses share for which the table has no room.
const OTHERS: IpAddr = IpAddr::V6(Ipv6Addr::UNSPECIFIED);

impl Rates {
    /// Creates an empty table. A limit of zero counts as one.
    pub(super) fn new(calls_per_second: u32, burst_calls: u32) -> Self {
        let interval_ns = 1_000_000_000 / u64::from(calls_per_second.max(1));
        let burst_ns = interval_ns.saturating_mul(u64::from(burst_calls.max(1)));
        Self { interval_ns, burst_ns, table: Mutex::default() }
    }

    /// Takes `calls` from the address's bucket. If the bucket has too few, it stays as it is and
    /// the error holds the milliseconds until it has enough. More calls than a full bucket holds
    /// never succeed.
    pub(super) fn take(&self, address: IpAddr, calls: u32, now_ns: u64) -> Result<(), u64> {
        let cost_ns = self.interval_ns.saturating_mul(u64::from(calls));
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let key = table.key(client_of(address), now_ns);
        let full_at_ns = table.full_at_ns.get(&key).copied().unwrap_or(0).max(now_ns);
        let after_ns = full_at_ns.saturating_add(cost_ns);
        let over_ns = after_ns.saturating_sub(now_ns).saturating_sub(self.burst_ns);
        if over_ns > 0 {
            return Err(over_ns.div_ceil(1_000_000));
        }
        table.full_at_ns.insert(key, after_ns);
        Ok(())
    }
}

impl Table {
    /// Returns the key of the bucket of `address`. If the table is full, it removes full buckets,
    /// which hold no information, at most once in [`RATE_SWEEP_NS`]. If there is still no room, the
    /// key is [`OTHERS`].
    fn key(&mut self, address: IpAddr, now_ns: u64) -> IpAddr {
        if self.full_at_ns.contains_key(&address) || self.full_at_ns.len() < RATE_ADDRESSES_MAX {
            return address;
        }
        if now_ns.saturating_sub(self.swept_at_ns) >= RATE_SWEEP_NS {
            self.swept_at_ns = now_ns;
            self.full_at_ns.retain(|_, full_at_ns| *full_at_ns > now_ns);
        }
        if self.full_at_ns.len() < RATE_ADDRESSES_MAX { address } else { OTHERS }
    }
}

/// Maps an address to the client that it stands for: an IPv4 address, or an IPv6 network of 64
/// bits.
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
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn address(number: u32) -> IpAddr {
        std::net::Ipv4Addr::from(number).into()
    }

    #[test]
    fn a_bucket_holds_a_burst_and_refills_at_the_rate() {
        let rates = Rates::new(10, 3);
        let take = |calls, now_ns| rates.take(address(1), calls, now_ns);
        assert_eq!(take(2, SECOND), Ok(()));
        assert_eq!(take(2, SECOND), Err(100));
        assert_eq!(take(1, SECOND), Ok(()));
        assert_eq!(take(1, SECOND), Err(100));
        assert_eq!(take(1, SECOND + SECOND / 10), Ok(()));
        assert_eq!(take(4, 100 * SECOND), Err(100));
        assert_eq!(take(3, 100 * SECOND), Ok(()));
        assert_eq!(rates.take(address(2), 3, 100 * SECOND), Ok(()));
    }

    #[test]
    fn a_flood_of_addresses_shares_one_bucket_and_the_table_stays_bounded() {
        let rates = Rates::new(1, 1);
        let limit = u32::try_from(RATE_ADDRESSES_MAX).expect("small");
        for number in 0..limit {
            assert_eq!(rates.take(address(number), 1, 5 * SECOND), Ok(()));
        }
        assert_eq!(rates.take(address(limit), 1, 5 * SECOND), Ok(()));
        assert!(rates.take(address(limit + 1), 1, 5 * SECOND).is_err());
        let len = || rates.table.lock().expect("lock").full_at_ns.len();
        assert_eq!(len(), RATE_ADDRESSES_MAX + 1);
        assert_eq!(rates.take(address(limit + 1), 1, 7 * SECOND), Ok(()));
        assert_eq!(len(), 1);
    }

    #[test]
    fn an_ipv6_network_is_one_client() {
        let rates = Rates::new(1, 1);
        let address = |text: &str| text.parse::<IpAddr>().expect("an address");
        assert!(rates.take(address("2001:db8::1"), 1, SECOND).is_ok());
        assert!(rates.take(address("2001:db8::2"), 1, SECOND).is_err());
        assert!(rates.take(address("2001:db8:0:1::1"), 1, SECOND).is_ok());
    }
}
