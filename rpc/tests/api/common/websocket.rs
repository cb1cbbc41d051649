//! A WebSocket client that shows single frames (RFC 6455), which client libraries hide.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) struct WebSocket(TcpStream);

impl WebSocket {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(address).await.expect("connected");
        let request = "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: Upgrade\r\n\
            upgrade: websocket\r\nsec-websocket-version: 13\r\n\
            sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.expect("answered"));
        }
        assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
        Self(stream)
    }

    /// Sends a short text frame, masked with zeros.
    pub(crate) async fn send(&mut self, text: &str) {
        let length = u8::try_from(text.len()).expect("short");
        assert!(length < 126, "a short frame");
        let frame = [&[0x81, 0x80 | length, 0, 0, 0, 0], text.as_bytes()].concat();
        self.0.write_all(&frame).await.expect("sent");
    }

    /// Returns the next text frame as JSON. Skips pings, which the server may send at any time.
    pub(crate) async fn receive(&mut self) -> Value {
        let (mut first, mut payload) = self.frame().await;
        while first == 0x89 {
            (first, payload) = self.frame().await;
        }
        assert_eq!(first, 0x81, "a whole text frame");
        serde_json::from_slice(&payload).expect("JSON")
    }

    /// Returns the first byte of the next frame, and its payload.
    async fn frame(&mut self) -> (u8, Vec<u8>) {
        let first = self.0.read_u8().await.expect("a frame");
        let length = match self.0.read_u8().await.expect("a length") {
            126 => u64::from(self.0.read_u16().await.expect("a length")),
            127 => self.0.read_u64().await.expect("a length"),
            short => u64::from(short),
        };
        let mut payload = vec![0; usize::try_from(length).expect("small")];
        self.0.read_exact(&mut payload).await.expect("a payload");
        (first, payload)
    }
}
