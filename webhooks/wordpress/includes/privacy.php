<?php
/**
 * WordPress's own tools for personal data: what is written down here can be exported and erased.
 *
 * @package Nurture_Signups
 */

// phpcs:disable WordPress.DB.DirectDatabaseQuery, WordPress.DB.PreparedSQL.InterpolatedNotPrepared

defined( 'ABSPATH' ) || exit;

add_filter( 'wp_privacy_personal_data_exporters', 'nurture_add_exporter' );
add_filter( 'wp_privacy_personal_data_erasers', 'nurture_add_eraser' );

/**
 * Add the exporter.
 *
 * @param array $exporters The exporters known so far.
 * @return array
 */
function nurture_add_exporter( $exporters ) {
	$exporters['nurture-signups'] = array(
		'exporter_friendly_name' => __( 'Nurture Signups', 'nurture-signups' ),
		'callback'               => 'nurture_export',
	);
	return $exporters;
}

/**
 * Add the eraser.
 *
 * @param array $erasers The erasers known so far.
 * @return array
 */
function nurture_add_eraser( $erasers ) {
	$erasers['nurture-signups'] = array(
		'eraser_friendly_name' => __( 'Nurture Signups', 'nurture-signups' ),
		'callback'             => 'nurture_erase',
	);
	return $erasers;
}

/**
 * Return the rows about an address.
 *
 * @param string $email The address.
 * @return array
 */
function nurture_rows_of( $email ) {
	global $wpdb;
	$table = nurture_table();
	$like  = '%' . $wpdb->esc_like( trim( (string) wp_json_encode( $email ), '"' ) ) . '%';
	$found = $wpdb->get_results( $wpdb->prepare( "SELECT * FROM {$table} WHERE payload LIKE %s", $like ), ARRAY_A );
	return array_filter(
		$found,
		function ( $row ) use ( $email ) {
			$said = json_decode( $row['payload'], true );
			return isset( $said['email'] ) && 0 === strcasecmp( $said['email'], $email );
		}
	);
}

/**
 * Export what is written down about an address.
 *
 * @param string $email The address.
 * @return array
 */
function nurture_export( $email ) {
	$items = array();
	foreach ( nurture_rows_of( $email ) as $row ) {
		$data = array();
		foreach ( json_decode( $row['payload'], true ) + array( 'signed_up_at' => $row['created_at'] . ' UTC' ) as $name => $value ) {
			$data[] = array(
				'name'  => $name,
				'value' => is_array( $value ) ? implode( ', ', $value ) : $value,
			);
		}
		$items[] = array(
			'group_id'    => 'nurture-signups',
			'group_label' => __( 'Signups', 'nurture-signups' ),
			'item_id'     => 'nurture-' . $row['id'],
			'data'        => $data,
		);
	}
	return array(
		'data' => $items,
		'done' => true,
	);
}

/**
 * Erase what is written down about an address.
 *
 * @param string $email The address.
 * @return array
 */
function nurture_erase( $email ) {
	global $wpdb;
	$rows = nurture_rows_of( $email );
	foreach ( $rows as $row ) {
		$wpdb->delete( nurture_table(), array( 'id' => $row['id'] ) );
	}
	return array(
		'items_removed'  => (bool) $rows,
		'items_retained' => false,
		'messages'       => array(),
		'done'           => true,
	);
}
