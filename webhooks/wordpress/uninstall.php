<?php
/**
 * Remove everything that the plugin has stored.
 *
 * @package Nurture_Signups
 */

// phpcs:disable WordPress.DB.DirectDatabaseQuery, WordPress.DB.PreparedSQL.InterpolatedNotPrepared

defined( 'WP_UNINSTALL_PLUGIN' ) || exit;

/** Remove what is stored for one website of an installation. */
function nurture_uninstall_site() {
	global $wpdb;
	$wpdb->query( "DROP TABLE IF EXISTS {$wpdb->prefix}nurture_outbox" );
	foreach ( array( 'nurture_settings', 'nurture_seen', 'nurture_due_at', 'nurture_ran_at' ) as $option ) {
		delete_option( $option );
	}
	// Transients, also those of one user.
	$like = $wpdb->esc_like( '_transient_' ) . '%nurture\\_%';
	foreach ( $wpdb->get_col( $wpdb->prepare( "SELECT option_name FROM {$wpdb->options} WHERE option_name LIKE %s", $like ) ) as $option ) {
		delete_option( $option );
	}
	delete_transient( 'nurture_away' );
	delete_transient( 'nurture_was_away' );
	wp_unschedule_hook( 'nurture_send_waiting' );
}

if ( is_multisite() ) {
	foreach ( get_sites(
		array(
			'fields' => 'ids',
			'number' => 0,
		)
	) as $nurture_site ) {
		switch_to_blog( $nurture_site );
		nurture_uninstall_site();
		restore_current_blog();
	}
} else {
	nurture_uninstall_site();
}
