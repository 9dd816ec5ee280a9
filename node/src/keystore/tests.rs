use super::*;

/// The two test vectors of the format's definition: one secret, two ways to stretch `testpassword`.
const VECTORS: [&str; 2] = [
    r#"{"crypto":{"cipher":"aes-128-ctr","cipherparams":{"iv":"6087dab2f9fdbbfaddc31a909735c1e6"},
    "ciphertext":"5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46","kdf":"pbkdf2",
    "kdfparams":{"c":262144,"dklen":32,"prf":"hmac-sha256",
    "salt":"ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd"},
    "mac":"517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2"},
    "id":"3198bc9c-6672-5ab3-d995-4942343ae5b6","version":3}"#,
    r#"{"crypto":{"cipher":"aes-128-ctr","cipherparams":{"iv":"83dbcc02d8ccb40e466191a123791e0e"},
    "ciphertext":"d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c","kdf":"scrypt",
    "kdfparams":{"dklen":32,"n":262144,"p":8,"r":1,
    "salt":"ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19"},
    "mac":"2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097"},
    "id":"3198bc9c-6672-5ab3-d995-4942343ae5b6","version":3}"#,
];
const SECRET: &str = "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d";

#[test]
fn files_of_others_open() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.json");
    for vector in VECTORS {
        fs::write(&path, vector).unwrap();
        let key = read(&path, "testpassword").unwrap();
        assert_eq!(hex::encode(key.secret().as_slice()), SECRET);
        assert_eq!(stated_account(&path).unwrap(), None);
        assert!(matches!(
            read(&path, "testpassworD"),
            Err(KeystoreError::Password(_))
        ));
    }
}

#[test]
fn a_file_returns_its_key_and_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.json");
    let key = OperatorKey::from_bytes([7; 32]).unwrap();
    write(&path, &key, "pässword", Cost::LIGHT).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(stated_account(&path).unwrap(), Some(key.address()));
    assert_eq!(read(&path, "pässword").unwrap().address(), key.address());
    let text = fs::read_to_string(&path).unwrap();
    assert!(!text.contains(&hex::encode(key.secret().as_slice())));
    assert!(matches!(
        write(&path, &key, "other", Cost::LIGHT),
        Err(KeystoreError::File { .. })
    ));
    // Another implementation of the format, the one behind cast.
    let other = eth_keystore::decrypt_key(&path, "pässword").unwrap();
    assert_eq!(other, key.secret().as_slice());
}

#[test]
fn what_is_no_key_file_is_said_to_be_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.json");
    let refused = |text: String| {
        fs::write(&path, text).unwrap();
        read(&path, "testpassword").map(|_| ()).unwrap_err()
    };
    let vector = VECTORS[1].to_owned();
    // A terabyte of memory is not spent on a stranger's file.
    let greedy = vector.replace("\"n\":262144", "\"n\":8589934592");
    for text in [
        "{}".into(),
        vector.replace("\"version\":3", "\"version\":4"),
        vector.replace("aes-128-ctr", "aes-128-cbc"),
        vector.replace("\"dklen\":32", "\"dklen\":64"),
        greedy,
    ] {
        assert!(matches!(refused(text), KeystoreError::Format { .. }));
    }
    let other = vector.replacen('{', &format!("{{\"address\":\"{:040x}\",", 1), 1);
    assert!(matches!(refused(other), KeystoreError::OtherAccount { .. }));
}

#[test]
fn names_are_those_of_geth() {
    assert_eq!(civil(0), (1970, 1, 1));
    assert_eq!(civil(11_016), (2000, 2, 29));
    assert_eq!(civil(20_784), (2026, 11, 27));
    let name = file_name(Address::repeat_byte(0xab));
    assert!(
        name.starts_with("UTC--20") && name.ends_with(&"ab".repeat(20)),
        "{name}"
    );
    assert_eq!(uuid(&[0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
}
