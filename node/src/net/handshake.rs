//! The membership handshake, which takes place before a connection exists. Noise proves the peer
//! id, then both sides send their chain id. A peer of another chain never gets a stream, so no
//! other protocol has to check for it.
//!
//! The protocol `/idem/handshake/1` takes the place of libp2p's security upgrade. Inside the Noise
//! channel the following bytes are sent: the dialler's chain id (32 bytes), the listener's chain id
//! (32 bytes) and, if they are equal, the dialler's and the listener's greeting, each as a frame.

use std::collections::VecDeque;
use std::error::Error;
use std::sync::{Arc, Mutex};
use std::{io, iter};

use futures::future::BoxFuture;
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, FutureExt};
use libp2p::core::upgrade::{InboundConnectionUpgrade, OutboundConnectionUpgrade, UpgradeInfo};
use libp2p::{Multiaddr, PeerId, noise};
use registry_core::codec;
use registry_core::crypto::Hash;

use super::frame::{FrameError, read_frame, write_frame};
use super::greeting::Greeting;
use super::limits::{ADDRESSES_PER_PEER_MAX, ARRIVALS_MAX, GREETING_BYTES_MAX, VERSION_BYTES_MAX};
use super::lock;
use super::peers::Directory;
use super::traffic::{Metered, Traffic};

/// Name of the handshake in protocol negotiation.
pub(crate) const PROTOCOL: &str = "/idem/handshake/1";

/// Reason why a handshake failed and no connection was established.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HandshakeError {
    #[error("noise: {0}")]
    Noise(#[from] noise::Error),
    #[error("handshake ended early: {0}")]
    Io(#[from] io::Error),
    #[error("peer {peer} is on chain {actual}, this node is on {expected}; compare genesis files")]
    OtherChain { peer: PeerId, expected: Hash, actual: Hash },
    #[error("greeting of peer {peer}: {reason}")]
    Greeting { peer: PeerId, reason: String },
}

/// A finished handshake whose connection the swarm has not reported yet.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) peer: PeerId,
    pub(crate) greeting: Greeting,
    pub(crate) traffic: Arc<Traffic>,
}

/// State that all handshakes of this node share.
pub(crate) struct Lobby {
    chain: Hash,
    version: String,
    /// Addresses of this node that other peers are told.
    pub(crate) addresses: Mutex<Vec<Multiaddr>>,
    directory: Arc<Directory>,
    arrivals: Mutex<VecDeque<Arrival>>,
}

impl Lobby {
    pub(crate) fn new(chain: Hash, version: &str, directory: Arc<Directory>) -> Self {
        let mut cut = version.len().min(VERSION_BYTES_MAX);
        while !version.is_char_boundary(cut) {
            cut -= 1;
        }
        Self {
            chain,
            version: version[..cut].to_owned(),
            addresses: Mutex::default(),
            directory,
            arrivals: Mutex::default(),
        }
    }

    /// Takes out the newest finished handshake with `peer`.
    pub(crate) fn take(&self, peer: PeerId) -> Option<Arrival> {
        let mut arrivals = lock(&self.arrivals);
        let place = arrivals.iter().rposition(|arrival| arrival.peer == peer)?;
        arrivals.remove(place)
    }

    fn add(&self, arrival: Arrival) {
        let mut arrivals = lock(&self.arrivals);
        if arrivals.len() >= ARRIVALS_MAX {
            arrivals.pop_front();
        }
        arrivals.push_back(arrival);
    }

    fn greeting(&self) -> Greeting {
        let addresses = lock(&self.addresses);
        let told = addresses.iter().take(ADDRESSES_PER_PEER_MAX);
        Greeting {
            listen: told.map(Multiaddr::to_string).collect(),
            peers: self.directory.known(),
            version: self.version.clone(),
        }
    }
}

/// The connection upgrade: Noise, chain ids, greetings.
#[derive(Clone)]
pub(crate) struct Membership {
    noise: noise::Config,
    lobby: Arc<Lobby>,
}

impl Membership {
    pub(crate) fn new(noise: noise::Config, lobby: Arc<Lobby>) -> Self {
        Self { noise, lobby }
    }

    async fn finish<S: Channel>(
        self,
        peer: PeerId,
        mut io: S,
        dialler: bool,
    ) -> Result<(PeerId, Metered<S>), HandshakeError> {
        let expected = self.lobby.chain;
        if dialler {
            send(&mut io, &expected.0).await?;
        }
        let mut actual = [0; 32];
        io.read_exact(&mut actual).await?;
        if !dialler {
            // A peer of another chain gets the chain id too, so that it can report what is wrong.
            send(&mut io, &expected.0).await?;
        }
        let actual = Hash(actual);
        if actual != expected {
            return Err(HandshakeError::OtherChain { peer, expected, actual });
        }
        let ours = codec::encode(&self.lobby.greeting());
        if dialler {
            send_greeting(&mut io, &ours).await?;
        }
        let theirs = read_greeting(&mut io, peer).await?;
        if !dialler {
            send_greeting(&mut io, &ours).await?;
        }
        let traffic = Arc::<Traffic>::default();
        self.lobby.add(Arrival { peer, greeting: theirs, traffic: traffic.clone() });
        Ok((peer, Metered::new(io, traffic)))
    }
}

/// A byte stream that a handshake can run over.
pub(crate) trait Channel: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> Channel for T {}

async fn send<S: Channel>(io: &mut S, bytes: &[u8]) -> io::Result<()> {
    io.write_all(bytes).await?;
    io.flush().await
}

async fn send_greeting<S: Channel>(io: &mut S, greeting: &[u8]) -> io::Result<()> {
    write_frame(io, greeting).await?;
    io.flush().await
}

async fn read_greeting<S: Channel>(io: &mut S, peer: PeerId) -> Result<Greeting, HandshakeError> {
    let refuse = |reason: String| HandshakeError::Greeting { peer, reason };
    let bytes = read_frame(io, GREETING_BYTES_MAX).await.map_err(|error| match error {
        FrameError::Io(error) => HandshakeError::Io(error),
        too_large => refuse(too_large.to_string()),
    })?;
    let greeting: Greeting =
        codec::decode(&bytes, GREETING_BYTES_MAX).map_err(|error| refuse(error.to_string()))?;
    if greeting.version.len() > VERSION_BYTES_MAX {
        let actual = greeting.version.len();
        return Err(refuse(format!("version of {actual} bytes, at most {VERSION_BYTES_MAX}")));
    }
    Ok(greeting)
}

/// Finds the handshake error inside an error of the transport.
pub(crate) fn handshake_error(error: &io::Error) -> Option<&HandshakeError> {
    let mut error: Option<&(dyn Error + 'static)> = error.get_ref().map(|e| e as _);
    while let Some(inner) = error {
        if let Some(found) = inner.downcast_ref() {
            return Some(found);
        }
        error = match inner.downcast_ref::<io::Error>() {
            // An `io::Error` names its content's source as its own and would skip the content.
            Some(io) => io.get_ref().map(|e| e as _),
            None => inner.source(),
        };
    }
    None
}

impl UpgradeInfo for Membership {
    type Info = &'static str;
    type InfoIter = iter::Once<Self::Info>;

    fn protocol_info(&self) -> Self::InfoIter {
        iter::once(PROTOCOL)
    }
}

type Upgraded<S> = (PeerId, Metered<noise::Output<S>>);

impl<S: Channel> InboundConnectionUpgrade<S> for Membership {
    type Output = Upgraded<S>;
    type Error = HandshakeError;
    type Future = BoxFuture<'static, Result<Self::Output, Self::Error>>;

    fn upgrade_inbound(self, socket: S, info: Self::Info) -> Self::Future {
        let run = async move {
            let (peer, io) = self.noise.clone().upgrade_inbound(socket, info).await?;
            self.finish(peer, io, false).await
        };
        run.boxed()
    }
}

impl<S: Channel> OutboundConnectionUpgrade<S> for Membership {
    type Output = Upgraded<S>;
    type Error = HandshakeError;
    type Future = BoxFuture<'static, Result<Self::Output, Self::Error>>;

    fn upgrade_outbound(self, socket: S, info: Self::Info) -> Self::Future {
        let run = async move {
            let (peer, io) = self.noise.clone().upgrade_outbound(socket, info).await?;
            self.finish(peer, io, true).await
        };
        run.boxed()
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use futures::io::Cursor;

    use super::*;

    fn read(greeting: &[u8]) -> Result<Greeting, Box<HandshakeError>> {
        let mut framed = Vec::new();
        block_on(write_frame(&mut framed, greeting)).unwrap();
        block_on(read_greeting(&mut Cursor::new(framed), PeerId::random())).map_err(Box::new)
    }

    #[test]
    fn the_bytes_of_a_greeting_are_those_of_the_specification() {
        let (listen, peers) = (vec!["/ip4/192.0.2.1/tcp/1".to_owned()], Vec::new());
        let greeting = Greeting { listen, peers, version: "idem/1".to_owned() };
        let bytes = codec::encode(&greeting);
        let mut expected = b"\xa3\x65peers\x80\x66listen\x81\x74/ip4/192.0.2.1/tcp/1".to_vec();
        expected.extend(b"\x67version\x66idem/1");
        assert_eq!(bytes, expected);
        assert_eq!(read(&bytes).unwrap(), greeting);
    }

    #[test]
    fn a_greeting_outside_the_specification_is_refused() {
        let version = "v".repeat(VERSION_BYTES_MAX + 1);
        let long_version = codec::encode(&Greeting { version, ..Greeting::default() });
        let unknown_key = b"\xa4\x65extra\x00\x65peers\x80\x66listen\x80\x67version\x60".to_vec();
        for refused in [long_version, unknown_key, vec![0; GREETING_BYTES_MAX + 1], Vec::new()] {
            let error = read(&refused).unwrap_err();
            assert!(matches!(*error, HandshakeError::Greeting { .. }), "{error}");
        }
    }

    #[test]
    fn finished_handshakes_are_bounded_and_taken_newest_first() {
        let lobby = Lobby::new(Hash::ZERO, "", Arc::default());
        let peer = PeerId::random();
        let arrive = |peer: PeerId, version: &str| {
            let greeting = Greeting { version: version.to_owned(), ..Greeting::default() };
            lobby.add(Arrival { peer, greeting, traffic: Arc::default() });
        };
        arrive(peer, "lost");
        for _ in 0..ARRIVALS_MAX - 2 {
            arrive(PeerId::random(), "");
        }
        arrive(peer, "older");
        arrive(peer, "newer");
        assert_eq!(lobby.take(peer).unwrap().greeting.version, "newer");
        assert_eq!(lobby.take(peer).unwrap().greeting.version, "older");
        assert!(lobby.take(peer).is_none());
    }
}
