//! A node's three keys: operator (secp256k1), verifier (BLS) and libp2p (Ed25519).

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use assay_chain::key_file;
use assay_protocol::bls::{BlsError, BlsKey};
use assay_protocol::keccak256;
use assay_protocol::sig::{OperatorKey, SignatureError};
use rand::RngCore;
use zeroize::Zeroizing;

use crate::keystore::{self, Cost, KeystoreError};

/// Name of the operator's key file in a folder of keys; its password is beside it in `operator.password`.
pub const OPERATOR_FILE: &str = "operator.json";
const PASSWORD: &str = "operator.password";
const BLS: &str = "bls.key";
const P2P: &str = "p2p.key";

/// Why the keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A file is missing, unreadable, or cannot be written.
    #[error("{path}: {source}; `assay init` makes the keys of a node")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The operator's key file does not open.
    #[error("{0}; is it the password of this key?")]
    Keystore(#[from] KeystoreError),
    /// Others may read a secret.
    #[error("{path} can be read by others (mode {mode:o}); type: chmod 600 {path}", path = path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Not 32 bytes in hex.
    #[error("{0} does not hold 32 bytes in hex")]
    Content(PathBuf),
    /// Not an operator key.
    #[error(transparent)]
    Operator(#[from] SignatureError),
    /// Not a BLS key.
    #[error(transparent)]
    Bls(#[from] BlsError),
    /// A folder that already holds keys.
    #[error("{0} already holds keys; they are not overwritten")]
    Exists(PathBuf),
}

/// The keys of one node. Secrets are wiped when dropped and never printed.
#[derive(Clone)]
pub struct Keys {
    /// Signs protocol messages and transactions.
    pub operator: OperatorKey,
    /// Signs verdicts and tickets.
    pub bls: BlsKey,
    /// Secret of the libp2p identity.
    pub p2p: Zeroizing<[u8; 32]>,
}

impl Keys {
    /// Keys that follow from a seed and a name: for demonstrations that must repeat. Worthless anywhere else.
    ///
    /// # Errors
    /// [`KeyError::Operator`] or [`KeyError::Bls`] where what follows from the seed is no secret of the curve.
    pub fn from_seed(seed: u64, name: &str) -> Result<Self, KeyError> {
        let secret =
            |kind: &str| Zeroizing::new(keccak256(format!("assay demo {seed} {name} {kind}")).0);
        Ok(Self {
            operator: OperatorKey::from_bytes(*secret("operator"))?,
            bls: BlsKey::derive(&secret("bls"))?,
            p2p: secret("p2p"),
        })
    }

    /// The cold key that owns the stake of the operator of that name, in the same demonstrations.
    ///
    /// # Errors
    /// [`KeyError::Operator`] or [`KeyError::Bls`] where what follows from the seed is no secret of the curve.
    pub fn owner_from_seed(seed: u64, name: &str) -> Result<OperatorKey, KeyError> {
        let secret = Zeroizing::new(keccak256(format!("assay demo {seed} {name} owner")).0);
        Ok(OperatorKey::from_bytes(*secret)?)
    }

    /// Makes new keys and writes them to `folder`, readable by the owner alone. The operator key is a web3 secret
    /// storage file (v3) under a random password in a file beside it.
    ///
    /// # Errors
    /// [`KeyError::Exists`] where the folder holds keys already; [`KeyError::File`] or [`KeyError::Keystore`] where one cannot be
    /// written.
    pub fn generate(folder: &Path) -> Result<Self, KeyError> {
        if folder.join(OPERATOR_FILE).exists() {
            return Err(KeyError::Exists(folder.into()));
        }
        let fresh = || {
            let mut secret = Zeroizing::new([0u8; 32]);
            rand::rngs::OsRng.fill_bytes(secret.as_mut_slice());
            secret
        };
        let (operator, bls, p2p, password) = (fresh(), fresh(), fresh(), fresh());
        let keys = Self {
            operator: OperatorKey::from_bytes(*operator)?,
            bls: BlsKey::derive(&bls)?,
            p2p: p2p.clone(),
        };
        keys.write(folder, &bls, &password)?;
        Ok(keys)
    }

    /// Writes keys that follow from a seed, so that a node of its own process can use them.
    ///
    /// # Errors
    /// [`KeyError::File`] or [`KeyError::Keystore`] where a file cannot be written.
    pub fn write_seeded(folder: &Path, seed: u64, name: &str) -> Result<Self, KeyError> {
        let keys = Self::from_seed(seed, name)?;
        let secret =
            |kind: &str| Zeroizing::new(keccak256(format!("assay demo {seed} {name} {kind}")).0);
        keys.write(folder, &secret("bls"), &secret("password"))?;
        Ok(keys)
    }

    /// Writes an owner's key of a demonstration, with a password beside it that follows from the key.
    ///
    /// # Errors
    /// [`KeyError::File`] or [`KeyError::Keystore`] where a file cannot be written.
    pub fn write_seeded_owner(path: &Path, owner: &OperatorKey) -> Result<(), KeyError> {
        let password = keccak256([b"password", owner.secret().as_slice()].concat());
        let password = Zeroizing::new(hex::encode(password));
        keystore::write(path, owner, &password, Cost::LIGHT)?;
        write_secret(&key_file::beside(path, "password"), &password)
    }

    fn write(&self, folder: &Path, bls: &[u8; 32], password: &[u8; 32]) -> Result<(), KeyError> {
        fs::create_dir_all(folder).map_err(|source| KeyError::File {
            path: folder.into(),
            source,
        })?;
        let mode = fs::Permissions::from_mode(0o700);
        fs::set_permissions(folder, mode).map_err(|source| KeyError::File {
            path: folder.into(),
            source,
        })?;
        let password = Zeroizing::new(hex::encode(password));
        keystore::write(
            &folder.join(OPERATOR_FILE),
            &self.operator,
            &password,
            Cost::LIGHT,
        )?;
        write_secret(&folder.join(PASSWORD), &password)?;
        write_secret(&folder.join(BLS), &Zeroizing::new(hex::encode(bls)))?;
        write_secret(
            &folder.join(P2P),
            &Zeroizing::new(hex::encode(self.p2p.as_slice())),
        )
    }

    /// Reads what [`Self::generate`] wrote, with the password that lies beside the operator's key.
    ///
    /// # Errors
    /// [`KeyError::File`] where a file is missing, [`KeyError::Exposed`] where others can read one, [`KeyError::Content`] where it holds
    /// something else, [`KeyError::Keystore`] where the password is another one.
    pub fn load(folder: &Path) -> Result<Self, KeyError> {
        check_private(&folder.join(OPERATOR_FILE))?;
        let password = read_secret(&Self::password_file(folder))?;
        Self::load_with(folder, password.trim())
    }

    /// The same with a password that is kept elsewhere, on another disk or in a head.
    ///
    /// # Errors
    /// [`KeyError::File`] where a file is missing, [`KeyError::Exposed`] where others can read one, [`KeyError::Content`] where it holds
    /// something else, [`KeyError::Keystore`] where the password is another one.
    pub fn load_with(folder: &Path, password: &str) -> Result<Self, KeyError> {
        let path = folder.join(OPERATOR_FILE);
        check_private(&path)?;
        Ok(Self {
            operator: keystore::read(&path, password)?,
            bls: Self::load_bls(folder)?,
            p2p: read_bytes(&folder.join(P2P))?,
        })
    }

    /// The BLS key alone, which needs no password.
    ///
    /// # Errors
    /// [`KeyError::File`], [`KeyError::Exposed`], [`KeyError::Content`] or [`KeyError::Bls`]: what the file is instead.
    pub fn load_bls(folder: &Path) -> Result<BlsKey, KeyError> {
        Ok(BlsKey::derive(&*read_bytes(&folder.join(BLS))?)?)
    }

    /// Where [`Self::generate`] leaves the password of the operator's key.
    pub fn password_file(folder: &Path) -> PathBuf {
        folder.join(PASSWORD)
    }
}

fn write_secret(path: &Path, text: &str) -> Result<(), KeyError> {
    let error = |source| KeyError::File {
        path: path.into(),
        source,
    };
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(error)?;
    writeln!(file, "{text}")
        .and_then(|()| file.sync_all())
        .map_err(error)
}

fn check_private(path: &Path) -> Result<(), KeyError> {
    let meta = fs::metadata(path).map_err(|source| KeyError::File {
        path: path.into(),
        source,
    })?;
    let mode = meta.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        Ok(())
    } else {
        Err(KeyError::Exposed {
            path: path.into(),
            mode,
        })
    }
}

fn read_secret(path: &Path) -> Result<Zeroizing<String>, KeyError> {
    check_private(path)?;
    fs::read_to_string(path)
        .map(Zeroizing::new)
        .map_err(|source| KeyError::File {
            path: path.into(),
            source,
        })
}

fn read_bytes(path: &Path) -> Result<Zeroizing<[u8; 32]>, KeyError> {
    let text = read_secret(path)?;
    let mut out = Zeroizing::new([0u8; 32]);
    hex::decode_to_slice(text.trim(), out.as_mut_slice())
        .map_err(|_| KeyError::Content(path.into()))?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_may_be_kept_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::generate(folder.path()).unwrap();
        let beside = Keys::password_file(folder.path());
        let password = fs::read_to_string(&beside).unwrap();
        fs::remove_file(&beside).unwrap();
        assert!(matches!(
            Keys::load(folder.path()),
            Err(KeyError::File { path, .. }) if path == beside
        ));
        let read = Keys::load_with(folder.path(), password.trim()).unwrap();
        assert_eq!(read.operator.address(), keys.operator.address());
        assert!(matches!(
            Keys::load_with(folder.path(), "another"),
            Err(KeyError::Keystore(_))
        ));
        let bls = Keys::load_bls(folder.path()).unwrap();
        assert_eq!(bls.public(), keys.bls.public());
    }

    #[test]
    fn keys_return_from_their_folder_and_stay_private() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::generate(folder.path()).unwrap();
        let read = Keys::load(folder.path()).unwrap();
        assert_eq!(read.operator.address(), keys.operator.address());
        assert_eq!(read.bls.public(), keys.bls.public());
        assert_eq!(read.p2p, keys.p2p);
        assert!(matches!(
            Keys::generate(folder.path()),
            Err(KeyError::Exists(_))
        ));
        let bls = folder.path().join(BLS);
        fs::set_permissions(&bls, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(
            Keys::load(folder.path()),
            Err(KeyError::Exposed { mode: 0o644, .. })
        ));
        fs::set_permissions(&bls, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&bls, "short").unwrap();
        assert!(matches!(
            Keys::load(folder.path()),
            Err(KeyError::Content(_))
        ));
    }
}
