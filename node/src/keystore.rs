//! Key files that geth, cast and others open too: web3 secret storage, version 3.
//!
//! The password is stretched with scrypt, half of the result decrypts the secret (AES-128-CTR), the other half
//! authenticates it (keccak). Files are written with scrypt only; those of others may use PBKDF2. Format:
//! <https://ethereum.org/developers/docs/data-structures-and-encoding/web3-secret-storage>.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use aes::Aes128;
use assay_protocol::sig::{OperatorKey, SignatureError};
use assay_protocol::{Address, keccak256};
use ctr::Ctr128BE;
use ctr::cipher::{KeyIvInit, StreamCipher};
use rand::RngCore;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Most memory that opening a file may take: four times what geth's own files take. A file can ask for any amount.
const MAX_SCRYPT_BYTES: u64 = 1 << 30;
/// Most rounds of PBKDF2: about forty times what wallets use.
const MAX_PBKDF2_ROUNDS: u32 = 10_000_000;

/// How hard a password is to guess from the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    log_n: u8,
    r: u32,
    p: u32,
}

impl Cost {
    /// geth's standard: 256 MiB and about a second for every guess. For passwords that people choose.
    pub const STANDARD: Self = Self {
        log_n: 18,
        r: 8,
        p: 1,
    };
    /// geth's light one, for passwords of 32 random bytes, which nobody guesses.
    pub const LIGHT: Self = Self {
        log_n: 12,
        r: 8,
        p: 6,
    };
}

/// Why a key file cannot be written or opened.
#[derive(Debug, thiserror::Error)]
pub enum KeystoreError {
    /// Missing, unreadable, already there.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Not a key file of this kind.
    #[error("{path} is no web3 key file (version 3): {reason}", path = path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Another password.
    #[error("{0}: the password does not open it")]
    Password(PathBuf),
    /// It holds no key.
    #[error("{path}: {source}", path = path.display())]
    Secret {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: SignatureError,
    },
    /// It holds the key of another account than it says.
    #[error("{path} says account {stated} but holds the key of {found}", path = path.display())]
    OtherAccount {
        /// The file.
        path: PathBuf,
        /// In its `address` field.
        stated: Address,
        /// By the key.
        found: Address,
    },
}

#[derive(Serialize, Deserialize)]
struct KeyFile {
    /// Lower-case hex without 0x; geth lists no file without it, cast writes none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    address: Option<String>,
    crypto: Crypto,
    id: String,
    version: u32,
}

#[derive(Serialize, Deserialize)]
struct Crypto {
    cipher: String,
    cipherparams: CipherParams,
    #[serde(with = "as_hex")]
    ciphertext: Vec<u8>,
    #[serde(flatten)]
    kdf: Kdf,
    #[serde(with = "as_hex")]
    mac: [u8; 32],
}

#[derive(Serialize, Deserialize)]
struct CipherParams {
    #[serde(with = "as_hex")]
    iv: [u8; 16],
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kdf", content = "kdfparams", rename_all = "lowercase")]
enum Kdf {
    Scrypt {
        dklen: usize,
        n: u64,
        p: u32,
        r: u32,
        #[serde(with = "as_hex")]
        salt: Vec<u8>,
    },
    Pbkdf2 {
        dklen: usize,
        c: u32,
        prf: String,
        #[serde(with = "as_hex")]
        salt: Vec<u8>,
    },
}

impl Kdf {
    /// 32 bytes from a password, or why not.
    fn stretch(&self, password: &str) -> Result<Zeroizing<[u8; 32]>, String> {
        let mut out = Zeroizing::new([0u8; 32]);
        let (Self::Scrypt { dklen, .. } | Self::Pbkdf2 { dklen, .. }) = self;
        if *dklen != 32 {
            return Err(format!("dklen is {dklen}, expected 32"));
        }
        match self {
            Self::Scrypt { n, p, r, salt, .. } => {
                let bytes = n.saturating_mul(128).saturating_mul((*r).into());
                if !n.is_power_of_two() || bytes > MAX_SCRYPT_BYTES {
                    return Err(format!("scrypt with n = {n}, r = {r} is not supported"));
                }
                let log_n = n.trailing_zeros() as u8;
                let params = scrypt::Params::new(log_n, *r, *p).map_err(|e| e.to_string())?;
                scrypt::scrypt(password.as_bytes(), salt, &params, out.as_mut_slice())
                    .map_err(|e| e.to_string())?;
            }
            Self::Pbkdf2 { c, prf, salt, .. } => {
                if prf != "hmac-sha256" || *c > MAX_PBKDF2_ROUNDS {
                    return Err(format!("pbkdf2 with {prf}, c = {c} is not supported"));
                }
                type Prf = hmac::Hmac<sha2::Sha256>;
                pbkdf2::pbkdf2::<Prf>(password.as_bytes(), salt, *c, out.as_mut_slice());
            }
        }
        Ok(out)
    }
}

/// Bytes as lower-case hex without 0x.
mod as_hex {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(bytes: impl AsRef<[u8]>, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&hex::encode(bytes))
    }

    pub fn deserialize<'de, T: TryFrom<Vec<u8>>, D: Deserializer<'de>>(
        from: D,
    ) -> Result<T, D::Error> {
        let bytes = hex::decode(String::deserialize(from)?).map_err(Error::custom)?;
        let found = bytes.len();
        T::try_from(bytes).map_err(|_| Error::invalid_length(found, &"another number of bytes"))
    }
}

/// Both directions are the same.
fn apply_cipher(stretched: &[u8; 32], iv: &[u8; 16], data: &mut [u8]) {
    let mut key = Zeroizing::new([0u8; 16]);
    key.copy_from_slice(&stretched[..16]);
    Ctr128BE::<Aes128>::new((&*key).into(), iv.into()).apply_keystream(data);
}

fn mac(stretched: &[u8; 32], ciphertext: &[u8]) -> [u8; 32] {
    keccak256(Zeroizing::new([&stretched[16..], ciphertext].concat()).as_slice()).0
}

/// Writes a key to a new file that only its owner may read.
///
/// # Errors
/// When the file is there already or cannot be written; a key is never overwritten.
pub fn write(
    path: &Path,
    key: &OperatorKey,
    password: &str,
    cost: Cost,
) -> Result<(), KeystoreError> {
    let format = |reason: String| KeystoreError::Format {
        path: path.into(),
        reason,
    };
    let mut random = [0u8; 64];
    rand::rngs::OsRng.fill_bytes(&mut random);
    let (salt, rest) = random.split_at(32);
    let mut iv = [0u8; 16];
    iv.copy_from_slice(&rest[..16]);
    let kdf = Kdf::Scrypt {
        dklen: 32,
        n: 1 << cost.log_n,
        p: cost.p,
        r: cost.r,
        salt: salt.into(),
    };
    let stretched = kdf.stretch(password).map_err(format)?;
    let mut ciphertext = key.secret().to_vec();
    apply_cipher(&stretched, &iv, &mut ciphertext);
    let file = KeyFile {
        address: Some(hex::encode(key.address())),
        crypto: Crypto {
            cipher: "aes-128-ctr".into(),
            cipherparams: CipherParams { iv },
            mac: mac(&stretched, &ciphertext),
            ciphertext,
            kdf,
        },
        id: uuid(&rest[16..]),
        version: 3,
    };
    let text = serde_json::to_string(&file).map_err(|e| format(e.to_string()))?;
    let io = |source| KeystoreError::File {
        path: path.into(),
        source,
    };
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut file = options.open(path).map_err(io)?;
    writeln!(file, "{text}")
        .and_then(|()| file.sync_all())
        .map_err(io)
}

fn parse(path: &Path) -> Result<KeyFile, KeystoreError> {
    let bytes = fs::read(path).map_err(|source| KeystoreError::File {
        path: path.into(),
        source,
    })?;
    let format = |reason: String| KeystoreError::Format {
        path: path.into(),
        reason,
    };
    let file: KeyFile = serde_json::from_slice(&bytes).map_err(|e| format(e.to_string()))?;
    if file.version != 3 || file.crypto.cipher != "aes-128-ctr" {
        let (version, cipher) = (file.version, file.crypto.cipher);
        return Err(format(format!("version {version}, cipher {cipher}")));
    }
    Ok(file)
}

/// The account that a file says it is of, without its password; `None` where it says nothing.
pub fn stated_account(path: &Path) -> Result<Option<Address>, KeystoreError> {
    let file = parse(path)?;
    let address = file.address.as_deref().map(|text| {
        let parsed = text.trim_start_matches("0x").parse();
        parsed.map_err(|_| KeystoreError::Format {
            path: path.into(),
            reason: format!("its address is {text:?}"),
        })
    });
    address.transpose()
}

/// Opens a file.
///
/// # Errors
/// [`KeystoreError::Password`] when the password is another one.
pub fn read(path: &Path, password: &str) -> Result<OperatorKey, KeystoreError> {
    let file = parse(path)?;
    let stated = stated_account(path)?;
    let format = |reason: String| KeystoreError::Format {
        path: path.into(),
        reason,
    };
    let Crypto {
        cipherparams,
        ciphertext,
        kdf,
        mac: expected,
        ..
    } = file.crypto;
    let stretched = kdf.stretch(password).map_err(format)?;
    if mac(&stretched, &ciphertext) != expected {
        return Err(KeystoreError::Password(path.into()));
    }
    let mut secret = Zeroizing::new(ciphertext);
    apply_cipher(&stretched, &cipherparams.iv, &mut secret);
    let bytes: [u8; 32] = secret
        .as_slice()
        .try_into()
        .map_err(|_| format(format!("its secret has {} bytes", secret.len())))?;
    let key = OperatorKey::from_bytes(bytes).map_err(|source| KeystoreError::Secret {
        path: path.into(),
        source,
    })?;
    match stated.filter(|stated| *stated != key.address()) {
        Some(stated) => Err(KeystoreError::OtherAccount {
            path: path.into(),
            stated,
            found: key.address(),
        }),
        None => Ok(key),
    }
}

/// The name that geth gives to a file made now: it sorts by age and ends with the account.
pub fn file_name(account: Address) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let (days, second) = (now.as_secs() / 86_400, now.as_secs() % 86_400);
    let (year, month, day) = civil(days);
    format!(
        "UTC--{year:04}-{month:02}-{day:02}T{:02}-{:02}-{:02}.{:09}Z--{}",
        second / 3_600,
        second / 60 % 60,
        second % 60,
        now.subsec_nanos(),
        hex::encode(account)
    )
}

/// The date of a day counted from 1970-01-01, by the Gregorian calendar: a year counted from March ends with its leap day.
fn civil(days: u64) -> (u64, u64, u64) {
    // Days since 0000-03-01, in eras of 400 years.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let january = month >= 10;
    let year = 400 * era + year + u64::from(january);
    (year, if january { month - 9 } else { month + 3 }, date)
}

/// A random identifier (RFC 9562, version 4) from 16 random bytes.
fn uuid(random: &[u8]) -> String {
    let mut bytes = random.to_vec();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let text = hex::encode(bytes);
    let part = |range| text.get(range).unwrap_or_default();
    [
        part(0..8),
        part(8..12),
        part(12..16),
        part(16..20),
        part(20..32),
    ]
    .join("-")
}

#[cfg(test)]
mod tests;
