//! The rules. Each is one function that says what is wrong, where, and what to do; `breakages` shows
//! for each that it can be broken.

mod constraints;
mod expect;
mod filled;
mod form;
mod hardening;
mod hosting;
mod names;
mod network;
mod order;
mod readme;
mod roles;
mod schedule;
mod secrets;
mod settings;
mod shapes;
mod style;
mod template;
mod walk;
mod workspace;

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
    template::lengths_are_bounded_where_they_must_be,
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
    order::settings_come_behind_what_they_name,
    order::the_package_comes_last,
    order::an_app_is_changed_one_thing_at_a_time,
    names::names_fit_azure,
    names::names_stay_from_one_deployment_to_the_next,
    names::no_two_roles_have_one_name,
    names::everything_lies_where_it_was_chosen,
    shapes::bodies_fit_their_types,
    shapes::controls_fit_their_types,
    shapes::what_is_read_has_the_version_of_its_type,
    hardening::storage_is_closed,
    hardening::the_vault_is_closed,
    hardening::the_vault_says_who_used_it,
    hardening::the_app_is_closed,
    hardening::telemetry_goes_to_the_workspace,
    hardening::the_workspace_is_left_alone,
    hosting::the_host_has_its_settings,
    hosting::each_plan_gets_what_it_needs,
    hosting::nothing_costs_more_than_it_must,
    hosting::no_plan_is_told_what_it_refuses,
    hosting::everything_can_be_reached,
    hosting::the_timer_runs_by_its_schedule_alone,
    hosting::the_package_can_be_stored,
    roles::each_role_is_the_least,
    roles::each_policy_is_the_least,
    roles::the_app_has_identities_of_its_own,
    network::a_private_app_has_a_network_and_no_other_has,
    network::a_network_may_grow,
    network::what_is_closed_has_an_endpoint,
    network::rows_go_by_private_link_where_it_is_wanted,
    network::monitor_is_private_where_it_is_wanted,
    network::what_cannot_be_is_refused,
    secrets::secrets_go_where_they_belong,
    secrets::references_are_passed_through,
    secrets::what_is_referred_to_can_be_read,
    settings::the_program_accepts_them,
    settings::each_value_arrives_in_its_own_setting,
    settings::the_program_does_as_chosen,
    settings::addresses_follow_the_cloud,
    settings::every_one_set_is_known,
    settings::every_one_known_is_set,
    settings::bounds_are_the_programs,
    workspace::tables_keep_what_their_rule_makes,
    workspace::the_service_takes_the_rule,
    workspace::alerts_can_read_the_tables,
    workspace::clean_clicks_go_where_they_are_wanted,
    workspace::content_comes_where_it_is_wanted,
    workspace::content_comes_behind_the_tables,
    workspace::outputs_say_what_was_made,
    form::it_is_a_form,
    form::it_fills_every_parameter,
    form::controls_that_are_named_exist,
    constraints::constraints_have_one_form,
    constraints::texts_are_checked,
    form::secrets_are_hidden,
    form::nothing_is_blank_in_it,
    form::it_checks_as_the_template_does,
    form::references_are_taken,
    form::defaults_are_taken,
    form::labels_say_what_they_choose,
    form::regions_offer_what_lies_there,
    schedule::the_form_takes_only_what_the_host_calls_by,
    schedule::the_template_says_what_the_host_does_not_call_by,
    filled::what_it_gives_can_be_deployed,
    filled::it_gives_what_was_filled_in,
    filled::good_is_told_from_bad,
    filled::what_is_needed_is_required,
    filled::a_field_shows_where_it_counts,
    readme::the_button_leads_to_both_files,
    readme::the_package_is_the_releases,
    readme::every_parameter_is_explained,
    readme::every_output_is_explained,
    readme::the_commands_deploy,
}
