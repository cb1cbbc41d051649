//! The commented configuration file that `idem init` writes.

use toml::Value;

const TEMPLATE: &str = include_str!("template.toml");

/// Renders the template with the settings of `overrides`, which are pairs of `section.key` and
/// value. All other settings stay commented out, so that a node whose operator never chose a value
/// gets later defaults.
pub fn render(overrides: &[(&str, Value)]) -> String {
    let mut section = "";
    let mut text = String::new();
    for line in TEMPLATE.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = name;
        }
        let key = setting(line).map(|(key, _)| format!("{section}.{key}"));
        match overrides.iter().find(|(wanted, _)| key.as_deref() == Some(wanted)) {
            Some((_, value)) => {
                let key = setting(line).map_or("", |(key, _)| key);
                text.push_str(&format!("{key} = {value}\n"));
            }
            None => text.push_str(&format!("{line}\n")),
        }
    }
    text
}

/// Key and value of a setting that is commented out. Lines of prose have a space after their `#`.
fn setting(line: &str) -> Option<(&str, &str)> {
    let line = line.strip_prefix('#').filter(|line| !line.starts_with(' '))?;
    line.split_once(" = ")
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    #[test]
    fn the_template_shows_every_setting_with_its_default() {
        let uncommented: Vec<&str> = TEMPLATE
            .lines()
            .map(|line| if setting(line).is_some() { &line[1..] } else { line })
            .collect();
        let shown: toml::Table = uncommented.join("\n").parse().expect("TOML");
        let defaults = toml::Table::try_from(Config::default()).expect("serialises");
        assert_eq!(shown, defaults);
    }

    #[test]
    fn the_template_itself_sets_nothing() {
        let table: toml::Table = render(&[]).parse().expect("TOML");
        assert!(
            table.values().all(|section| section.as_table().is_some_and(toml::Table::is_empty))
        );
    }

    #[test]
    fn overrides_are_written_in_their_section() {
        let listen = Value::String("127.0.0.1:1".to_owned());
        let table: toml::Table = render(&[("admin.listen", listen.clone())]).parse().expect("TOML");
        assert_eq!(table["admin"]["listen"], listen);
        assert!(table["rpc"].as_table().is_some_and(toml::Table::is_empty));
    }
}
