//! Content codings of response bodies that a cache keeps, so that each body is encoded once.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

/// Content coding of a body (RFC 9110, section 8.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Coding {
    Identity,
    Gzip,
    Brotli,
}

/// Compression level of both encoders. The bodies are base64 of compressed bytes, so only the
/// redundancy of base64's 64 letters can be saved. A low level is enough for that.
const QUALITY: u32 = 4;

/// Base-2 logarithm of Brotli's window: 4 MiB, the default of the format.
const BROTLI_WINDOW: u32 = 22;

/// Buffer size of the Brotli encoder in bytes.
const BROTLI_BUFFER_BYTES: usize = 1 << 16;

impl Coding {
    /// Codings that have a name in `Content-Encoding`, with the name, in order of preference.
    pub(crate) const NAMED: [(&str, Self); 2] = [("br", Self::Brotli), ("gzip", Self::Gzip)];

    /// Encodes `bytes` in this coding. Equal input gives equal output.
    pub(crate) fn encode(self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Identity => Ok(bytes.to_vec()),
            Self::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::new(QUALITY));
                encoder.write_all(bytes)?;
                encoder.finish()
            }
            Self::Brotli => {
                let (buffer, window) = (BROTLI_BUFFER_BYTES, BROTLI_WINDOW);
                let mut encoder =
                    brotli::CompressorWriter::new(Vec::new(), buffer, QUALITY, window);
                encoder.write_all(bytes)?;
                encoder.flush()?;
                Ok(encoder.into_inner())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    #[test]
    fn what_is_coded_comes_back() {
        let bytes: Vec<u8> = (0..50_000u32).flat_map(u32::to_le_bytes).collect();
        let mut inflated = Vec::new();
        let gzip = Coding::Gzip.encode(&bytes).expect("memory");
        flate2::read::GzDecoder::new(&gzip[..]).read_to_end(&mut inflated).expect("gzip");
        assert_eq!(inflated, bytes);
        inflated.clear();
        let brotli = Coding::Brotli.encode(&bytes).expect("memory");
        brotli::Decompressor::new(&brotli[..], 4_096).read_to_end(&mut inflated).expect("brotli");
        assert_eq!(inflated, bytes);
    }
}
