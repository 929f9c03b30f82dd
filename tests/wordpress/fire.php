<?php
/**
 * Plugin Name: Fire the hooks of form builders, with what they document. For tests only.
 *
 * @package Nurture_Tests
 */

// phpcs:disable

/** A submission of Contact Form 7. */
class WPCF7_Submission {
	public static $posted = array();

	public static function get_instance() {
		return new self();
	}

	public function get_posted_data() {
		return self::$posted;
	}
}

/** A form of Contact Form 7. */
class WPCF7_ContactForm {
	private $data;

	public function __construct( $data ) {
		$this->data = $data;
	}

	public function id() {
		return $this->data['id'];
	}

	public function title() {
		return $this->data['title'];
	}

	public function scan_form_tags() {
		return array_map(
			function ( $tag ) {
				return (object) $tag;
			},
			$this->data['tags']
		);
	}
}

/** A record of Elementor Pro. */
class Nurture_Test_Record {
	private $data;

	public function __construct( $data ) {
		$this->data = $data;
	}

	public function get( $name ) {
		return 'fields' === $name ? $this->data['fields'] : null;
	}

	public function get_form_settings( $name ) {
		return $this->data['settings'][ $name ] ?? null;
	}
}

add_action(
	'wp_loaded',
	function () {
		if ( ! isset( $_POST['fire'] ) ) {
			return;
		}
		$told = json_decode( wp_unslash( $_POST['fire'] ), true );
		$data = $told['data'];
		switch ( $told['builder'] ) {
			case 'contact-form-7':
				WPCF7_Submission::$posted = $data['posted'];
				$abort                    = $data['abort'] ?? false;
				do_action_ref_array( 'wpcf7_before_send_mail', array( new WPCF7_ContactForm( $data['form'] ), &$abort, WPCF7_Submission::get_instance() ) );
				break;
			case 'gravity-forms':
				do_action( 'gform_after_submission', $data['entry'], $data['form'] );
				break;
			case 'elementor':
				do_action( 'elementor_pro/forms/new_record', new Nurture_Test_Record( $data ), null );
				break;
			case 'wpforms':
				do_action( 'wpforms_process_complete', $data['fields'], array(), $data['form_data'], 0 );
				break;
			case 'fluent-forms':
				do_action( 'fluentform/submission_inserted', 1, $data['data'], (object) $data['form'] );
				break;
			case 'ninja-forms':
				do_action( 'ninja_forms_after_submission', $data );
				break;
		}
		echo 'the builder goes on';
		exit;
	}
);
