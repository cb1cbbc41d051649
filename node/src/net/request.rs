//! The protocol `/idem/request/1` for requests and responses. Each request has a stream of its own,
//! which carries one frame in each direction.

use std::io;

use futures::{AsyncRead, AsyncWrite};
use libp2p::request_response;
use libp2p::swarm::StreamProtocol;

use super::frame::{FrameError, read_frame, write_frame};
use super::limits::{REQUEST_BYTES_MAX, RESPONSE_BYTES_MAX};

/// Name of the protocol in negotiation.
pub(crate) const PROTOCOL: StreamProtocol = StreamProtocol::new("/idem/request/1");

/// Reads and writes requests and responses as frames.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Codec;

/// A request as it arrived. libp2p reports no request that its codec fails to read. A request that
/// is too large is therefore passed on as `TooLarge`, so that its sender can be cut.
#[derive(Debug)]
pub(crate) enum PeerRequest {
    Whole(Vec<u8>),
    TooLarge { bytes: usize, bytes_max: usize },
}

impl request_response::Codec for Codec {
    type Protocol = StreamProtocol;
    type Request = PeerRequest;
    type Response = Vec<u8>;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<PeerRequest>
    where
        T: AsyncRead + Unpin + Send,
    {
        match read_frame(io, REQUEST_BYTES_MAX).await {
            Ok(bytes) => Ok(PeerRequest::Whole(bytes)),
            Err(FrameError::TooLarge { bytes, bytes_max }) => {
                Ok(PeerRequest::TooLarge { bytes, bytes_max })
            }
            Err(FrameError::Io(error)) => Err(error),
        }
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        Ok(read_frame(io, RESPONSE_BYTES_MAX).await?)
    }

    async fn write_request<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        request: PeerRequest,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        match request {
            PeerRequest::Whole(bytes) => write_frame(io, &bytes).await,
            PeerRequest::TooLarge { bytes, bytes_max } => {
                Err(FrameError::TooLarge { bytes, bytes_max }.into())
            }
        }
    }

    async fn write_response<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        answer: Vec<u8>,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write_frame(io, &answer).await
    }
}
