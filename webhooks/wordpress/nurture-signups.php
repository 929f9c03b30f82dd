<?php
/**
 * Plugin Name:       Nurture Signups
 * Description:       Passes on who asks for your free guide, with no signup lost: each is written down on this website first, and sent until it has arrived.
 * Version:           0.0.0
 * Requires at least: 5.8
 * Requires PHP:      7.4
 * License:           GPL-2.0-or-later
 * Text Domain:       nurture-signups
 *
 * @package Nurture_Signups
 */

defined( 'ABSPATH' ) || exit;

define( 'NURTURE_FILE', __FILE__ );
define( 'NURTURE_CRON', 'nurture_send_waiting' );

require_once __DIR__ . '/includes/connection.php';
require_once __DIR__ . '/includes/outbox.php';
require_once __DIR__ . '/includes/sender.php';
require_once __DIR__ . '/includes/schedule.php';
require_once __DIR__ . '/includes/visit.php';
require_once __DIR__ . '/includes/fields.php';
require_once __DIR__ . '/includes/builders.php';
require_once __DIR__ . '/includes/form.php';
require_once __DIR__ . '/includes/privacy.php';

if ( is_admin() ) {
	require_once __DIR__ . '/includes/settings.php';
	require_once __DIR__ . '/includes/settings-page.php';
}

register_activation_hook( __FILE__, 'nurture_activate' );
register_deactivation_hook( __FILE__, 'nurture_deactivate' );
