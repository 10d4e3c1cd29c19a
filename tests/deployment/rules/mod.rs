//! The rules. Each is one function that says what is wrong, where, and what to do; `breakages` shows
//! for each that it can be broken.

mod form;
mod hardening;
mod hosting;
mod names;
mod order;
mod readme;
mod roles;
mod secrets;
mod settings;
mod shapes;
mod style;
mod template;
mod walk;

use crate::bundle::Bundle;

/// Says what is wrong.
type Check = fn(&Bundle) -> Vec<String>;

/// Names the rules and makes a test of each.
macro_rules! rules {
    ($($module:ident::$rule:ident,)*) => {
        /// All rules, by name.
        pub(crate) const RULES: &[(&str, Check)] = &[
            $((concat!(stringify!($module), "::", stringify!($rule)), $module::$rule),)*
        ];

        mod kept {
            use std::sync::LazyLock;

            use super::*;

            /// The files as they are.
            static BUNDLE: LazyLock<Bundle> = LazyLock::new(Bundle::read);

            $(
                #[test]
                fn $rule() {
                    let faults = $module::$rule(&BUNDLE);
                    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
                }
            )*
        }
    };
}

rules! {
    template::it_is_a_deployment_template,
    template::everything_is_described,
    template::parameters_and_variables_are_used,
    template::the_connectors_parameters_are_kept,
    template::new_parameters_have_defaults,
    template::bounds_come_in_pairs,
    template::secret_names_are_secure,
    template::secrets_have_no_literal_default,
    template::outputs_name_no_secret,
    template::nested_deployments_look_inward,
    template::nested_templates_are_those_in_deploy,
    template::nothing_is_debugged_or_run_by_hand,
    style::locations_come_from_parameters,
    style::api_versions_are_recent,
    style::nothing_is_blank,
    style::ids_are_made_by_functions,
    style::ids_are_not_glued,
    style::addresses_are_not_glued,
    style::no_cloud_is_named,
    style::dependencies_are_plain,
    order::every_choice_deploys,
    order::parents_come_first,
    order::what_is_named_is_waited_for,
    order::every_id_leads_somewhere,
    order::tables_come_before_their_rule,
    order::the_package_comes_last,
    names::names_fit_azure,
    names::names_stay_from_one_deployment_to_the_next,
    shapes::bodies_fit_their_types,
    hardening::storage_is_closed,
    hardening::the_vault_is_closed,
    hardening::the_app_is_closed,
    hardening::telemetry_goes_to_the_workspace,
    hardening::the_workspace_is_left_alone,
    hosting::each_plan_gets_what_it_needs,
    hosting::the_package_can_be_stored,
    roles::each_role_is_the_least,
    roles::each_policy_is_the_least,
    secrets::secrets_go_where_they_belong,
    secrets::references_are_passed_through,
    secrets::what_is_referred_to_can_be_read,
    settings::the_program_accepts_them,
    settings::the_program_does_as_chosen,
    settings::addresses_follow_the_cloud,
    settings::every_one_set_is_known,
    settings::every_one_known_is_set,
    settings::bounds_are_the_programs,
    form::it_is_a_form,
    form::it_fills_every_parameter,
    form::controls_that_are_named_exist,
    form::texts_are_checked,
    form::secrets_are_hidden,
    form::nothing_is_blank_in_it,
    form::it_checks_as_the_template_does,
    form::references_are_taken,
    form::what_it_gives_can_be_deployed,
    readme::the_button_leads_to_both_files,
    readme::the_package_is_the_releases,
    readme::every_parameter_is_explained,
    readme::every_output_is_explained,
    readme::the_commands_deploy,
}
