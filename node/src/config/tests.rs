use std::time::Duration;

use assay_encoder::package::Keep;

use super::*;

fn load(text: &str) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.toml");
    std::fs::write(&path, text).unwrap();
    Config::load(&path)
}

#[test]
fn a_role_is_its_table_and_paths_are_relative_to_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.toml");
    let text = "deployment = \"../deployment.json\"\n[verifier]\n[broadcaster]\ninput = \"/media/clip.mkv\"\n";
    std::fs::write(&path, text).unwrap();
    let config = Config::load(&path).unwrap();
    assert!(config.verifier.is_some() && config.transcoder.is_none());
    assert_eq!(config.keys, folder.path().join("keys"));
    assert_eq!(config.deployment, folder.path().join("../deployment.json"));
    let broadcaster = config.broadcaster.unwrap();
    assert_eq!(broadcaster.input, Path::new("/media/clip.mkv"));
    assert_eq!(
        (broadcaster.in_flight(), broadcaster.keep()),
        (2, Keep::All)
    );
    assert_eq!(broadcaster.output, folder.path().join("hls"));
    assert!(broadcaster.live && !broadcaster.repeat && broadcaster.job.is_none());
    assert_eq!(broadcaster.profile, "ladder-720p");
    let own = format!("{text}profile = \"mine.toml\"\n");
    std::fs::write(&path, own).unwrap();
    let profile = Config::load(&path).unwrap().broadcaster.unwrap().profile;
    assert_eq!(Path::new(&profile), folder.path().join("mine.toml"));
    assert!(config.operator.is_none());
    std::fs::write(&path, format!("operator = \"0x{:040x}\"\n[verifier]\n", 7)).unwrap();
    let operator = Config::load(&path).unwrap().operator;
    assert_eq!(operator, Some(Address::with_last_byte(7)));
}

#[test]
fn a_configuration_returns_through_toml() {
    let config = Config {
        transcoder: Some(TranscoderConfig::default()),
        ..Config::default()
    };
    let text = toml::to_string(&config).unwrap();
    assert_eq!(toml::from_str::<Config>(&text).unwrap(), config);
}

#[test]
fn mistakes_are_named() {
    let error = |text: &str| load(text).unwrap_err().to_string();
    assert!(error("").contains("no role"));
    assert!(error("[verifier]\nspeed = 3").contains("speed"));
    assert!(error("[verifier]\n[p2p]\nlisten_on = []").contains("listen_on"));
    assert!(error("rpc = \"ws://example.org\"\n[verifier]").contains("ws is not spoken"));
    assert!(error("rpc = []\n[verifier]").contains("at least one"));
    assert!(error("gas_for_evidence = 101\n[verifier]").contains("at most 100"));
    assert!(error("gas_per_day = \"1 LPT\"\n[verifier]").contains("0.5 ETH"));
    assert!(error("[broadcaster]\nrepeat = true").contains("input"));
    assert!(error("[transcoder]\ncapacity = 0").contains("transcoder.capacity is 0"));
    assert!(error("workers = 0\n[verifier]").contains("workers is 0"));
    assert!(error("[verifier]\n[p2p]\ntarget_peers = 0").contains("target_peers"));
    let missing = Config::load(Path::new("nowhere/node.toml")).unwrap_err();
    assert!(missing.to_string().starts_with("nowhere/node.toml: "));
}

#[test]
fn a_live_source_is_no_path() {
    let config = load("[broadcaster]\ninput = \"srt://0.0.0.0:9000\"\narchive = true\n").unwrap();
    let broadcaster = config.broadcaster.unwrap();
    let source = broadcaster.live_source().unwrap().unwrap();
    assert_eq!(source.to_string(), "srt://0.0.0.0:9000");
    let (length, archive) = (Duration::from_secs(60), true);
    assert_eq!(broadcaster.keep(), Keep::Window { length, archive });
    assert_eq!(broadcaster.in_flight(), 16);
    assert!(broadcaster.key_file.is_absolute());
    let error = |text: &str| load(text).unwrap_err().to_string();
    assert!(error("[broadcaster]\ninput = \"udp://0.0.0.0:1\"").contains("rtmp://"));
    assert!(error("[broadcaster]\ninput = \"a\"\nwindow_seconds = 2").contains("at least 10"));
}

#[test]
fn one_ethereum_node_or_several() {
    let config = load("rpc = \"https://a.example\"\n[verifier]").unwrap();
    assert_eq!(config.rpc.urls(), ["https://a.example"]);
    let text = "rpc = [\"https://a.example\", \"http://127.0.0.1:8545\"]\nrpc_ca = \"ca.pem\"\n\
                gas_per_day = \"0.25 ETH\"\n[verifier]";
    let config = load(text).unwrap();
    assert_eq!(config.rpc.urls().len(), 2);
    assert!(
        config
            .rpc_ca
            .as_ref()
            .is_some_and(|path| path.is_absolute())
    );
    let limit = config.queue().daily_gas.unwrap();
    assert_eq!(
        limit.wei_per_day,
        U256::from(25) * U256::from(10).pow(U256::from(16))
    );
    assert_eq!(limit.for_evidence, 50);
}

#[test]
fn another_deployment_is_refused() {
    let config = load("[verifier]\n[p2p]\nchain_id = 5").unwrap();
    let court = Address::repeat_byte(9);
    assert!(config.network(5, court).is_ok_and(|p2p| p2p.court == court));
    let other = config.network(6, court).unwrap_err().to_string();
    assert!(
        other.contains("chain_id is 5") && other.contains("says 6"),
        "{other}"
    );
}
