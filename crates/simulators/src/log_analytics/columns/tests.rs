use super::*;

/// What the row looks like in the table, as JSON.
fn shown(columns: &mut Columns, row: &str) -> String {
    let row = columns.apply(row).unwrap();
    let cells: Vec<_> = row
        .iter()
        .map(|(name, cell)| format!("{name}={}", serde_json::to_string(cell).unwrap()))
        .collect();
    cells.join(" ")
}

fn first(row: &str) -> String {
    shown(&mut Columns::default(), row)
}

#[test]
fn each_type_has_its_suffix() {
    assert_eq!(
        first(concat!(
            r#"{"s":"x","b":true,"d":1,"t":"2026-01-05T10:07:03+0100","#,
            r#""g":"0f8fad5bd9cb469fa16570867728950e","a":[1, {"x":2}]}"#
        )),
        concat!(
            r#"s_s="x" b_b=true d_d=1 t_t="2026-01-05T09:07:03Z" "#,
            r#"g_g="0f8fad5b-d9cb-469f-a165-70867728950e" a_s="[1, {\"x\":2}]""#
        )
    );
}

#[test]
fn null_stores_nothing_and_makes_no_column() {
    let mut columns = Columns::default();
    assert_eq!(shown(&mut columns, r#"{"a":null,"b":{"c":null}}"#), "");
    assert_eq!(columns.names().count(), 0);
    assert_eq!(shown(&mut columns, r#"{"a":""}"#), r#"a_s="""#);
}

#[test]
fn objects_are_flattened_with_underscores() {
    assert_eq!(
        first(r#"{"result":{"Brands":[],"inner":{"Type":"x"}},"after":1}"#),
        r#"result_Brands_s="[]" result_inner_Type_s="x" after_d=1"#
    );
}

#[test]
fn characters_that_are_not_allowed_become_underscores() {
    assert_eq!(
        first(r#"{"tagMap":{"Url:Scan:Type":["a"]},"gr\u00f6\u00dfe-1":2}"#),
        r#"tagMap_Url_Scan_Type_s="[\"a\"]" gr__e_1_d=2"#
    );
}

#[test]
fn standard_names_have_no_suffix_and_hold_text() {
    assert_eq!(
        first(r#"{"computer":"pc","Category":5,"_resourceid":"/x"}"#),
        r#"Computer="pc" Category="5" _ResourceId="/x""#
    );
    let mut columns = Columns::new(IntoText::Split);
    shown(&mut columns, r#"{"category":"a"}"#);
    assert_eq!(shown(&mut columns, r#"{"category":1}"#), r#"Category="1""#);
    assert_eq!(columns.names().collect::<Vec<_>>(), ["Category"]);
}

#[test]
fn a_later_value_is_converted_where_it_can_be() {
    let mut columns = Columns::default();
    shown(
        &mut columns,
        r#"{"number":1,"boolean":true,"string":"x","time":"2026-01-05T09:07:03Z"}"#,
    );
    assert_eq!(
        shown(
            &mut columns,
            r#"{"number":"2","boolean":"false","string":3}"#
        ),
        r#"number_d=2 boolean_b=false string_s="3""#
    );
    assert_eq!(
        shown(
            &mut columns,
            r#"{"string":"0f8fad5bd9cb469fa16570867728950e","time":"2026-01-05T10:07:03"}"#
        ),
        r#"string_s="0f8fad5bd9cb469fa16570867728950e" time_t="2026-01-05T10:07:03Z""#
    );
    assert_eq!(columns.names().count(), 4);
}

#[test]
fn a_value_that_cannot_be_converted_splits_the_property() {
    let mut columns = Columns::default();
    shown(&mut columns, r#"{"hits":1,"ok":true}"#);
    assert_eq!(
        shown(&mut columns, r#"{"hits":"many","ok":0}"#),
        r#"hits_s="many" ok_d=0"#
    );
    // From now on each type has its column.
    assert_eq!(shown(&mut columns, r#"{"hits":2}"#), "hits_d=2");
    assert_eq!(shown(&mut columns, r#"{"hits":"2"}"#), r#"hits_s="2""#);
    assert_eq!(shown(&mut columns, r#"{"hits":[2]}"#), r#"hits_s="[2]""#);
    assert_eq!(
        columns.names().collect::<Vec<_>>(),
        ["hits_d", "ok_b", "hits_s", "ok_d"]
    );
}

#[test]
fn numbers_split_off_a_text_column_where_the_example_is_followed() {
    let mut columns = Columns::new(IntoText::Split);
    shown(&mut columns, r#"{"number":1,"boolean":true,"string":"x"}"#);
    assert_eq!(
        shown(&mut columns, r#"{"number":1,"boolean":1,"string":1}"#),
        "number_d=1 boolean_d=1 string_d=1"
    );
}

#[test]
fn dates_and_guids_split_too() {
    let mut columns = Columns::default();
    assert_eq!(
        shown(&mut columns, r#"{"id":"0f8fad5bd9cb469fa16570867728950e"}"#),
        r#"id_g="0f8fad5b-d9cb-469f-a165-70867728950e""#
    );
    assert_eq!(shown(&mut columns, r#"{"id":"evt-1"}"#), r#"id_s="evt-1""#);
    assert_eq!(
        shown(&mut columns, r#"{"id":"2026-01-05T09:07:03Z"}"#),
        r#"id_s="2026-01-05T09:07:03Z""#
    );
}

#[test]
fn the_last_of_two_equal_names_counts() {
    assert_eq!(first(r#"{"a:b":1,"c":2,"a_b":3}"#), "a_b_d=3 c_d=2");
}

#[test]
fn long_texts_are_cut_between_characters_and_counted() {
    let mut columns = Columns::default();
    let text = "x".repeat(MAX_TEXT_BYTES - 1) + "\u{fc}y";
    let row = format!(
        r#"{{"a":"{text}","b":["{text}"],"c":"{}"}}"#,
        "y".repeat(MAX_TEXT_BYTES)
    );
    let cells = columns.apply(&row).unwrap();
    let length = |name| match cells.get(name) {
        Some(Cell::Text(text)) => text.len(),
        other => panic!("{other:?}"),
    };
    assert_eq!(length("a_s"), MAX_TEXT_BYTES - 1);
    assert_eq!(length("b_s"), MAX_TEXT_BYTES);
    assert_eq!(length("c_s"), MAX_TEXT_BYTES);
    assert_eq!(columns.truncated(), 2);
}

#[test]
fn columns_beyond_the_limit_become_additional_fields() {
    let mut columns = Columns::default();
    let members: Vec<_> = (0..MAX_COLUMNS).map(|n| format!("\"p{n}\":{n}")).collect();
    columns
        .apply(&format!("{{{}}}", members.join(",")))
        .unwrap();
    let row = columns
        .apply(r#"{"p1":"x","p2":7,"more":{"a":true}}"#)
        .unwrap();
    assert_eq!(row.get("p2_d"), Some(&Cell::Number(7.0)));
    assert_eq!(
        serde_json::to_string(row.additional()).unwrap(),
        r#"{"p1_s":"x","more_a_b":true}"#
    );
    assert_eq!(columns.names().count(), MAX_COLUMNS);
}

#[test]
fn deep_nesting_ends_as_text() {
    let depth = 100_000;
    let row = r#"{"a":"#.repeat(depth) + "1" + &"}".repeat(depth);
    let cells = Columns::default().apply(&row).unwrap();
    let (name, cell) = cells.iter().next().unwrap();
    assert_eq!(name, ["a"; MAX_DEPTH].join("_") + "_s");
    assert!(matches!(cell, Cell::Text(_)), "{name}");
}

#[test]
fn reserved_names_are_known_in_any_case() {
    for name in ["tenant", "TimeGenerated", "RawData", "timegenerated"] {
        assert!(is_reserved(name), "{name}");
    }
    assert!(!is_reserved("time_generated"));
}

#[test]
fn only_objects_are_rows() {
    for row in ["[]", "1", "\"x\"", "null", "{"] {
        assert!(Columns::default().apply(row).is_err(), "{row}");
    }
}
