//! How long a source is waited for, by the wall clock. What it is waited for may be less than bytes: a sender keeps a connection
//! alive without a single picture.

use std::io;
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt};

/// The time that is left. Only waiting uses it up: whoever takes what was read may be slow.
pub(super) struct Patience {
    left: Duration,
}

impl Patience {
    pub fn new(left: Duration) -> Self {
        Self { left }
    }

    /// What was waited for has come; the next may take that long.
    pub fn renew(&mut self, left: Duration) {
        self.left = left;
    }

    /// Reads what comes next; none when the time is used up.
    pub async fn read(
        &mut self,
        from: &mut (impl AsyncRead + Unpin),
        buffer: &mut [u8],
    ) -> Option<io::Result<usize>> {
        let begun = Instant::now();
        let read = tokio::time::timeout(self.left, from.read(buffer)).await;
        self.left = self.left.saturating_sub(begun.elapsed());
        read.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;

    #[tokio::test]
    async fn bytes_do_not_renew_it() {
        let (mut near, mut far) = tokio::io::duplex(64);
        let sender = tokio::spawn(async move {
            while far.write_all(&[0]).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        let mut patience = Patience::new(Duration::from_millis(200));
        let mut reads = 0;
        while patience.read(&mut near, &mut [0; 8]).await.is_some() {
            reads += 1;
            assert!(reads < 1000);
        }
        assert!(reads > 0);
        patience.renew(Duration::from_secs(60));
        assert!(patience.read(&mut near, &mut [0; 8]).await.is_some());
        // Whoever is slow finds what has come meanwhile.
        patience.renew(Duration::from_secs(5));
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(patience.left >= Duration::from_secs(5));
        drop(near);
        sender.await.unwrap();
    }
}
