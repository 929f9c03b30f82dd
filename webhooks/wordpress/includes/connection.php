<?php
/**
 * The connection: where signups go, and what this website may say of itself.
 *
 * What came with the plugin's file applies until the settings page says otherwise.
 *
 * @package Nurture_Signups
 */

defined( 'ABSPATH' ) || exit;

/**
 * Return what came with the plugin's file: address, key, secret and forms.
 *
 * @return array
 */
function nurture_config() {
	static $config = null;
	if ( null === $config ) {
		$file   = dirname( NURTURE_FILE ) . '/config.php';
		$config = is_readable( $file ) ? require $file : array();
		$config = array_merge(
			array(
				'address' => '',
				'key'     => '',
				'secret'  => '',
				'forms'   => array(),
			),
			is_array( $config ) ? $config : array()
		);
	}
	return $config;
}

/**
 * Return what the settings page has stored, with what applies where it has stored nothing.
 *
 * @return array
 */
function nurture_settings() {
	$stored = get_option( 'nurture_settings', array() );
	return array_merge(
		array(
			'address'  => '',
			'key'      => '',
			'secret'   => '',
			'proxy'    => false,
			'remember' => true,
			'maps'     => array(),
		),
		is_array( $stored ) ? $stored : array()
	);
}

/**
 * Return the address, key or secret that applies.
 *
 * @param string $name One of address, key and secret.
 * @return string
 */
function nurture_connection( $name ) {
	$settings = nurture_settings();
	$config   = nurture_config();
	return (string) ( '' !== $settings[ $name ] ? $settings[ $name ] : $config[ $name ] );
}

/**
 * Return the forms of the program, by their keys: title, wording and boxes.
 *
 * @return array
 */
function nurture_forms() {
	return nurture_config()['forms'];
}

/**
 * Return the address that takes the signups of a form, or an empty text.
 *
 * @param string $form The form's key.
 * @return string
 */
function nurture_signup_address( $form ) {
	$address = untrailingslashit( nurture_connection( 'address' ) );
	$key     = nurture_connection( 'key' );
	if ( '' === $address || '' === $key ) {
		return '';
	}
	return $address . '/webhooks/signup/' . rawurlencode( $form ) . '/' . rawurlencode( $key );
}
