use keys::NodeRole;

use super::*;

struct Setup {
    directory: tempfile::TempDir,
    environment: Vec<(&'static str, &'static str)>,
    flags: Vec<(&'static str, &'static str)>,
}

impl Setup {
    fn file(text: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("config.toml"), text).expect("written");
        Self { directory, environment: Vec::new(), flags: Vec::new() }
    }

    fn load(&self) -> Result<Loaded, Problems> {
        let owned = |(key, text): &(&str, &str)| ((*key).to_owned(), (*text).to_owned());
        let flags: Vec<_> = self.flags.iter().map(owned).collect();
        let environment = self.environment.iter().map(|(name, text)| (name.into(), text.into()));
        Loaded::load_from(&Home::new(self.directory.path()), &flags, environment)
    }

    fn refused(&self) -> Vec<Problem> {
        self.load().expect_err("must be refused").0
    }

    fn line(&self, line: usize) -> Source {
        Source::File { path: self.directory.path().join("config.toml"), line }
    }
}

#[test]
fn flags_win_over_environment_over_file_over_defaults() {
    let text = "[rpc]\nconnections_max = 1000\nbatch_entries_max = 3\nlisten = \"127.0.0.1:1\"\n";
    let mut setup = Setup::file(text);
    setup.environment =
        vec![("IDEM_RPC__LISTEN", "127.0.0.1:2"), ("IDEM_RPC__BATCH_ENTRIES_MAX", "4")];
    setup.flags = vec![("rpc.listen", "127.0.0.1:3")];
    let loaded = setup.load().expect("valid");
    assert_eq!(loaded.config.rpc.listen, ([127, 0, 0, 1], 3).into());
    assert_eq!(loaded.config.rpc.batch_entries_max, 4);
    assert_eq!(loaded.config.rpc.connections_max, 1000);
    assert_eq!(loaded.values["rpc.listen"].1, Source::Flag);
    let name = "IDEM_RPC__BATCH_ENTRIES_MAX".to_owned();
    assert_eq!(loaded.values["rpc.batch_entries_max"].1, Source::Environment { name });
    assert_eq!(loaded.values["rpc.connections_max"].1, setup.line(2));
    assert_eq!(loaded.values["log.level"].1, Source::Default);
}

#[test]
fn a_missing_file_gives_the_defaults() {
    let home = Home::new("/nonexistent/idem");
    let loaded = Loaded::load_from(&home, &[], std::iter::empty()).expect("valid");
    assert_eq!(loaded.config, Config::default());
}

#[test]
fn lists_in_the_environment_are_comma_separated_or_toml() {
    let mut setup = Setup::file("");
    setup.environment = vec![("IDEM_RPC__TRUSTED_PROXIES", "127.0.0.1, ::1")];
    let addresses = setup.load().expect("valid").config.rpc.trusted_proxies;
    setup.environment = vec![("IDEM_RPC__TRUSTED_PROXIES", "[\"127.0.0.1\", \"::1\"]")];
    assert_eq!(setup.load().expect("valid").config.rpc.trusted_proxies, addresses);
    assert_eq!(addresses.len(), 2);
}

#[test]
fn an_unknown_key_names_line_and_the_nearest_key() {
    let setup = Setup::file("# comment\n[rpc]\nlisten = \"127.0.0.1:1\"\nlistn = \"x\"\n");
    let hint = "did you mean rpc.listen?".to_owned();
    let key = "rpc.listn".to_owned();
    assert_eq!(setup.refused(), [Problem::UnknownKey { key, source_text: setup.line(4), hint }]);
}

#[test]
fn unknown_sections_top_level_keys_and_variables_are_refused() {
    for text in ["role = \"validator\"\n", "[rcp]\nlisten = \"127.0.0.1:1\"\n", "[a.b]\nc = 1\n"] {
        let problems = Setup::file(text).refused();
        assert!(matches!(problems[..], [Problem::UnknownKey { .. }]), "{problems:?}");
    }
    let mut setup = Setup::file("");
    setup.environment = vec![("IDEM_RPC__LISTEM", "x"), ("IDEM_HOME", "not a setting")];
    let problems = Problems(setup.refused());
    assert_eq!(
        problems.to_string(),
        "IDEM_RPC__LISTEM: unknown key rpc.listem; did you mean IDEM_RPC__LISTEN?"
    );
}

#[test]
fn a_wrong_value_names_key_rule_and_place() {
    let setup = Setup::file("[rpc]\n\nlisten = 7641\n[log]\nformat = \"xml\"\n");
    let problems = setup.refused();
    assert_eq!(problems.len(), 2);
    for (problem, wanted, line) in
        [(&problems[0], "log.format", 5), (&problems[1], "rpc.listen", 3)]
    {
        let Problem::Value { key, source_text, rule: text, reason } = problem else {
            panic!("{problem:?}");
        };
        assert_eq!((key.as_str(), source_text), (wanted, &setup.line(line)));
        assert_eq!(*text, rule(wanted));
        assert!(!reason.is_empty());
    }
}

#[test]
fn wrong_types_are_refused_in_every_layer() {
    for (key, text) in [
        ("rpc.connections_max", "many"),
        ("rpc.connections_max", "-1"),
        ("rpc.connections_max", "\"7\""),
        ("rpc.public_on_validator", "yes"),
        ("p2p.peers", "127.0.0.1:7640"),
        ("p2p.allow", "somebody"),
        ("rpc.public_url", "node.example.org"),
    ] {
        let mut setup = Setup::file("");
        setup.flags = vec![(key, text)];
        let problems = setup.refused();
        assert!(
            matches!(&problems[..], [Problem::Value { key: named, .. }] if named == key),
            "{key} = {text}: {problems:?}"
        );
    }
}

#[test]
fn a_broken_rule_between_settings_names_where_the_value_came_from() {
    let mut setup = Setup::file("[node]\nrole = \"validator\"\n[rpc]\nlisten = \"0.0.0.0:1\"\n");
    let problems = setup.refused();
    assert!(matches!(&problems[..], [Problem::Value { source_text, .. }]
        if *source_text == setup.line(4)));
    setup.flags = vec![("node.role", "follower")];
    assert_eq!(setup.load().expect("valid").config.node.role, NodeRole::Follower);
}

#[test]
fn broken_toml_names_the_line() {
    let setup = Setup::file("[rpc]\nlisten = \n");
    assert!(matches!(&setup.refused()[..], [Problem::Syntax { source_text, .. }]
        if *source_text == setup.line(2)));
}

#[test]
fn every_setting_has_a_rule() {
    for (key, _) in Layers::new().values {
        assert_ne!(rule(&key), rule("no.such_key"), "{key} has no rule");
    }
}
