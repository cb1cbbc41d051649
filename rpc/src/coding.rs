//! Content codings of bodies that are kept, coded once.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

/// How a body is coded (RFC 9110 section 8.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Coding {
    Identity,
    Gzip,
    Brotli,
}

/// What is coded here is base64 of compressed bytes: a code for its 64 letters is all there is to
/// gain, and the lowest qualities find it.
const QUALITY: u32 = 4;

/// Window of 2^22 bytes, the default of the format.
const BROTLI_WINDOW: u32 = 22;

/// Bytes that the encoder moves at once.
const BROTLI_BUFFER_BYTES: usize = 1 << 16;

impl Coding {
    /// Those with a name in `Content-Encoding`, the best first.
    pub(crate) const NAMED: [(&str, Self); 2] = [("br", Self::Brotli), ("gzip", Self::Gzip)];

    /// `bytes` in this coding, the same each time.
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
