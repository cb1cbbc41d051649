//! Tests of the options and the command about marked keys.

use serde_json::{Value, json};

use super::{REFUSED, Setup, USAGE, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_marks_keys_beside_the_present_ones_or_in_their_place() {
    const OTHER: &str = "z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH";
    let setup = Setup::new().await;
    let did = text(&setup.done(&["create", "--suite", "p256", "--recovery"]).await["did"]);
    let marks = async || setup.done(&["marks", &did]).await;
    assert_eq!(marks().await, json!([]));
    let mut document = setup.done(&["resolve", &did]).await["didDocument"].clone();
    let method = &mut document["verificationMethod"][0];
    let key = text(&method["publicKeyMultibase"]);
    method["revoked"] = json!("2026-04-15T00:00:00Z");
    let edited = setup.path("document.json").display().to_string();
    std::fs::write(&edited, document.to_string()).expect("written");
    setup.done(&["update", "--document", &edited]).await;
    let marked = marks().await;
    assert_eq!(marked.as_array().map(Vec::len), Some(1));
    assert_eq!(marked[0]["revoked"], "2026-04-15T00:00:00Z");

    let other = format!("{OTHER}=2026-05-01T00:00:00Z");
    let earlier = "#key-1=2026-01-01T00:00:00Z";
    setup.done(&["rotate", "--mark", &other, "--mark", earlier]).await;
    let beside = marks().await;
    let times = |marks: &Value| -> Vec<(String, String)> {
        let marks = marks.as_array().expect("marks").iter();
        let mut times: Vec<_> =
            marks.map(|mark| (text(&mark["revoked"]), text(&mark["key"]))).collect();
        times.sort();
        times
    };
    let own = text(&marked[0]["key"]);
    let expected = [("2026-01-01T00:00:00Z", own.as_str()), ("2026-05-01T00:00:00Z", OTHER)];
    let expected = expected.map(|(time, key)| (time.to_owned(), key.to_owned()));
    assert_eq!(times(&beside), expected);
    let file = setup.path("marks.json").display().to_string();
    let listed = json!([{ "key": key, "revoked": "2026-06-01T00:00:00Z" }]);
    std::fs::write(&file, listed.to_string()).expect("written");
    setup.done(&["rotate", "--marks", &file]).await;
    assert_eq!(times(&marks().await), [("2026-06-01T00:00:00Z".to_owned(), own)]);
    std::fs::write(&file, "[]").expect("written");
    setup.done(&["rotate", "--marks", &file]).await;
    assert_eq!(marks().await, json!([]));

    let split = format!("{OTHER}=2026-05-01T00:00:00.5Z");
    setup.fails(&["rotate", "--mark", &split], REFUSED, "MARKS_INVALID").await;
    let gone = "#gone=2026-05-01T00:00:00Z";
    setup.fails(&["rotate", "--mark", gone], USAGE, "no key is found").await;
    setup.fails(&["rotate", "--marks", &edited], USAGE, "idem did marks").await;
    setup.fails(&["recover", "--cancel", "--mark", &other], USAGE, "marks keys").await;
}
