//! What docs/RULES.md shows is what loads.

use super::super::RuleSet;

const DOCS: &str = include_str!("../../../../docs/RULES.md");

#[test]
fn every_example_of_the_documentation_loads_without_a_warning() {
    let blocks: Vec<_> =
        DOCS.split("```rhai\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(blocks.len() >= 2, "the documentation has examples");
    for block in blocks {
        let loaded = RuleSet::from_source("docs/RULES.md", block)
            .unwrap_or_else(|errors| unreachable!("{}\n{block}", errors.render(false)));
        let warnings: Vec<_> = loaded.warnings.iter().map(|warning| warning.render(false)).collect();
        assert_eq!(warnings, Vec::<String>::new(), "{block}");
    }
}
