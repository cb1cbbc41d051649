//! Length-prefixed frames: four bytes of length in big-endian order, then the content. Validator
//! streams, requests, responses and the greeting of the handshake use them.

use std::io;

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::limits::READ_AHEAD_BYTES_MAX;

/// Reason why no frame could be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrameError {
    #[error("frame of {bytes} bytes, at most {bytes_max} are allowed")]
    TooLarge { bytes: usize, bytes_max: usize },
    #[error("stream ended: {0}")]
    Io(#[from] io::Error),
}

impl From<FrameError> for io::Error {
    fn from(error: FrameError) -> Self {
        match error {
            FrameError::Io(error) => error,
            too_large => Self::new(io::ErrorKind::InvalidData, too_large),
        }
    }
}

/// Reads one frame. A frame that announces more than `bytes_max` bytes is refused before memory is
/// allocated for it.
pub(crate) async fn read_frame<R>(io: &mut R, bytes_max: usize) -> Result<Vec<u8>, FrameError>
where
    R: AsyncRead + Unpin + Send,
{
    let mut length = [0; 4];
    io.read_exact(&mut length).await?;
    let length = u32::from_be_bytes(length);
    let expected = usize::try_from(length).unwrap_or(usize::MAX);
    if expected > bytes_max {
        return Err(FrameError::TooLarge { bytes: expected, bytes_max });
    }
    let mut bytes = Vec::with_capacity(expected.min(READ_AHEAD_BYTES_MAX));
    io.take(u64::from(length)).read_to_end(&mut bytes).await?;
    if bytes.len() < expected {
        return Err(FrameError::Io(io::ErrorKind::UnexpectedEof.into()));
    }
    Ok(bytes)
}

/// Writes one frame without flushing it.
pub(crate) async fn write_frame<W>(io: &mut W, bytes: &[u8]) -> io::Result<()>
where
    W: AsyncWrite + Unpin + Send,
{
    let length = u32::try_from(bytes.len())
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "frame over 4 GiB"))?;
    io.write_all(&length.to_be_bytes()).await?;
    io.write_all(bytes).await
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use futures::io::Cursor;

    use super::*;

    #[test]
    fn a_frame_is_its_length_and_its_bytes() {
        let mut written = Vec::new();
        block_on(write_frame(&mut written, b"abc")).unwrap();
        assert_eq!(written, [0, 0, 0, 3, b'a', b'b', b'c']);
        let read = block_on(read_frame(&mut Cursor::new(written), 3)).unwrap();
        assert_eq!(read, b"abc");
    }

    #[test]
    fn a_claimed_length_above_the_limit_is_refused_unread() {
        let error = block_on(read_frame(&mut Cursor::new([0xff; 4]), 16)).unwrap_err();
        assert_eq!(error.to_string(), "frame of 4294967295 bytes, at most 16 are allowed");
    }

    #[test]
    fn a_frame_cut_short_is_an_error() {
        let error = block_on(read_frame(&mut Cursor::new([0, 0, 0, 3, 1, 2]), 16)).unwrap_err();
        assert!(matches!(error, FrameError::Io(e) if e.kind() == io::ErrorKind::UnexpectedEof));
    }
}
