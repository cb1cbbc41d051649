//! Compression and decompression by gzip and zlib, with a limit on the decompressed size.

use std::io::{self, Read};

use flate2::Compression;
use flate2::bufread::{GzDecoder, GzEncoder, ZlibDecoder, ZlibEncoder};

use super::error::ViewError;
use crate::limits::STATUS_INFLATED_BYTES_MAX;

/// Compresses by gzip (RFC 1952) at the highest level. The header has no time, so equal lists give
/// equal bytes.
pub(super) fn gzip(bytes: &[u8]) -> Result<Vec<u8>, ViewError> {
    deflated(GzEncoder::new(bytes, Compression::best()))
}

/// Compresses by zlib (RFC 1950) at the highest level, as the IETF draft recommends.
pub(super) fn zlib(bytes: &[u8]) -> Result<Vec<u8>, ViewError> {
    deflated(ZlibEncoder::new(bytes, Compression::best()))
}

fn deflated(mut encoder: impl Read) -> Result<Vec<u8>, ViewError> {
    let mut compressed = Vec::new();
    encoder.read_to_end(&mut compressed).map_err(ViewError::encoding("compression"))?;
    Ok(compressed)
}

/// Decompresses one gzip member. Fails if it is incomplete or if bytes follow it.
pub(super) fn gunzip(bytes: &[u8]) -> Result<Vec<u8>, ViewError> {
    let mut decoder = GzDecoder::new(bytes);
    let inflated = inflated(&mut decoder).map_err(gzip_error)?;
    let inflated = inflated.ok_or(ViewError::GzipBomb { limit: STATUS_INFLATED_BYTES_MAX })?;
    nothing_after(decoder.into_inner()).map_err(gzip_error)?;
    Ok(inflated)
}

/// Decompresses one zlib stream. Fails if it is incomplete or if bytes follow it.
pub(super) fn unzlib(bytes: &[u8]) -> Result<Vec<u8>, ViewError> {
    let mut decoder = ZlibDecoder::new(bytes);
    let inflated = inflated(&mut decoder).map_err(zlib_error)?;
    let inflated = inflated.ok_or(ViewError::ZlibBomb { limit: STATUS_INFLATED_BYTES_MAX })?;
    nothing_after(decoder.into_inner()).map_err(zlib_error)?;
    Ok(inflated)
}

/// Decompresses up to the limit. Returns `None` beyond it, and never holds more than one byte above
/// it in memory.
fn inflated(decoder: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut inflated = Vec::new();
    decoder.take(STATUS_INFLATED_BYTES_MAX as u64 + 1).read_to_end(&mut inflated)?;
    Ok((inflated.len() <= STATUS_INFLATED_BYTES_MAX).then_some(inflated))
}

fn nothing_after(rest: &[u8]) -> io::Result<()> {
    if rest.is_empty() {
        return Ok(());
    }
    Err(io::Error::other(format!("{} bytes follow its end", rest.len())))
}

fn gzip_error(error: io::Error) -> ViewError {
    ViewError::Gzip { reason: error.to_string() }
}

fn zlib_error(error: io::Error) -> ViewError {
    ViewError::Zlib { reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_compressed_comes_back(bytes: Vec<u8>) {
            prop_assert_eq!(gunzip(&gzip(&bytes).expect("gzip")), Ok(bytes.clone()));
            prop_assert_eq!(unzlib(&zlib(&bytes).expect("zlib")), Ok(bytes));
        }
    }

    #[test]
    fn the_cap_is_the_last_size_that_passes() {
        let largest = vec![7; STATUS_INFLATED_BYTES_MAX];
        assert_eq!(gunzip(&gzip(&largest).expect("gzip")).as_ref(), Ok(&largest));
        assert_eq!(unzlib(&zlib(&largest).expect("zlib")).as_ref(), Ok(&largest));
        let bomb = vec![0; STATUS_INFLATED_BYTES_MAX + 1];
        let limit = STATUS_INFLATED_BYTES_MAX;
        assert_eq!(gunzip(&gzip(&bomb).expect("gzip")), Err(ViewError::GzipBomb { limit }));
        assert_eq!(unzlib(&zlib(&bomb).expect("zlib")), Err(ViewError::ZlibBomb { limit }));
    }

    #[test]
    fn a_stream_that_is_cut_extended_or_damaged_is_refused() {
        type Codec = (fn(&[u8]) -> Result<Vec<u8>, ViewError>, &'static str);
        let bytes: Vec<u8> = (0..2_000u32).flat_map(u32::to_le_bytes).collect();
        let gzipped = gzip(&bytes).expect("gzip");
        let zlibbed = zlib(&bytes).expect("zlib");
        let codecs: [(Codec, Vec<u8>); 2] =
            [((gunzip, "TOKEN_GZIP"), gzipped), ((unzlib, "TOKEN_ZLIB"), zlibbed)];
        for ((inflate, name), whole) in codecs {
            let last = whole.len() - 1;
            let damaged = [&whole[..last], &[whole[last] ^ 1]].concat();
            let cases = [
                whole[..last].to_vec(),
                whole[..whole.len() / 2].to_vec(),
                Vec::new(),
                damaged,
                [&whole[..], &[0]].concat(),
                [&whole[..], &whole[..]].concat(),
            ];
            for case in cases {
                assert_eq!(inflate(&case).map_err(|error| error.name()), Err(name));
            }
        }
    }
}
