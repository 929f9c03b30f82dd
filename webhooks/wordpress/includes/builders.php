<?php
/**
 * The builders: what each hands over when a visitor has sent one of its forms.
 *
 * Each hook is the one that its builder documents for a form that was sent and accepted, before or
 * whether or not an email of the website goes out.
 *
 * @package Nurture_Signups
 */

defined( 'ABSPATH' ) || exit;

add_action( 'wpcf7_before_send_mail', 'nurture_contact_form_7', 99, 3 );
add_action( 'gform_after_submission', 'nurture_gravity_forms', 10, 2 );
add_action( 'elementor_pro/forms/new_record', 'nurture_elementor', 10, 1 );
add_action( 'wpforms_process_complete', 'nurture_wpforms', 10, 4 );
add_action( 'fluentform/submission_inserted', 'nurture_fluent_forms', 10, 3 );
add_action( 'ninja_forms_after_submission', 'nurture_ninja_forms', 10, 1 );

/**
 * Return a property of an object or an entry of an array, or an empty text.
 *
 * @param mixed  $thing The object or the array.
 * @param string $name  The name.
 * @return mixed
 */
function nurture_get( $thing, $name ) {
	if ( is_array( $thing ) || $thing instanceof ArrayAccess ) {
		return isset( $thing[ $name ] ) ? $thing[ $name ] : '';
	}
	return is_object( $thing ) && isset( $thing->$name ) ? $thing->$name : '';
}

/**
 * Read a form without ever breaking its builder's own processing.
 *
 * @param string   $builder The builder.
 * @param callable $read    Returns the form's id, its title and its fields, or null.
 */
function nurture_reading( $builder, $read ) {
	try {
		$form = $read();
		if ( $form ) {
			nurture_submitted( $builder, (string) $form[0], (string) $form[1], $form[2] );
		}
	} catch ( Throwable $error ) {
		nurture_log( $error );
	}
}

/**
 * Contact Form 7: checked, accepted and no spam; this website's own email may still fail.
 *
 * @param WPCF7_ContactForm     $form       The form.
 * @param bool                  $abort      Whether another plugin refuses it.
 * @param WPCF7_Submission|null $submission What was sent.
 */
function nurture_contact_form_7( $form, $abort = false, $submission = null ) {
	nurture_reading(
		'contact-form-7',
		function () use ( $form, $abort, $submission ) {
			$submission = $submission ? $submission : WPCF7_Submission::get_instance();
			if ( $abort || ! $submission ) {
				return null;
			}
			$posted = (array) $submission->get_posted_data();
			$fields = array();
			foreach ( $form->scan_form_tags() as $tag ) {
				$name = nurture_get( $tag, 'name' );
				if ( '' !== $name && isset( $posted[ $name ] ) ) {
					$fields[] = nurture_contact_form_7_field( $tag, $name, $posted[ $name ] );
				}
			}
			return array( $form->id(), $form->title(), $fields );
		}
	);
}

/**
 * Return a field of Contact Form 7.
 *
 * @param mixed  $tag   The form tag.
 * @param string $name  Its name.
 * @param mixed  $value What was sent.
 * @return array
 */
function nurture_contact_form_7_field( $tag, $name, $value ) {
	$kinds = array(
		'email'      => 'email',
		'acceptance' => 'box',
		'checkbox'   => 'box',
	);
	$kind  = nurture_get( $tag, 'basetype' );
	$type  = isset( $kinds[ $kind ] ) ? $kinds[ $kind ] : 'text';
	$label = 'acceptance' === $kind ? nurture_get( $tag, 'content' ) : $name;
	return nurture_field( $name, $label, $type, $value );
}

/**
 * Gravity Forms: the entry is stored; it also calls for entries that it takes for spam.
 *
 * @param array $entry The entry.
 * @param array $form  The form.
 */
function nurture_gravity_forms( $entry, $form ) {
	nurture_reading(
		'gravity-forms',
		function () use ( $entry, $form ) {
			if ( 'spam' === nurture_get( $entry, 'status' ) ) {
				return null;
			}
			$fields = array();
			foreach ( (array) nurture_get( $form, 'fields' ) as $field ) {
				$fields = array_merge( $fields, nurture_gravity_field( $entry, $field ) );
			}
			return array( nurture_get( $form, 'id' ), nurture_get( $form, 'title' ), $fields );
		}
	);
}

/**
 * Return what a field of Gravity Forms holds; a name has parts, which are fields of their own.
 *
 * @param array $entry The entry.
 * @param mixed $field The field.
 * @return array
 */
function nurture_gravity_field( $entry, $field ) {
	$id    = (string) nurture_get( $field, 'id' );
	$type  = nurture_get( $field, 'type' );
	$label = nurture_get( $field, 'label' );
	$whole = nurture_get( $entry, $id );
	if ( 'name' === $type && '' === $whole ) {
		$parts = array( nurture_get( $entry, $id . '.3' ), nurture_get( $entry, $id . '.6' ) );
		return array(
			nurture_field( $id . '.3', $label, 'first_name', $parts[0] ),
			nurture_field( $id, $label, 'name', $parts ),
		);
	}
	if ( 'consent' === $type ) {
		// Its first part is the tick, its second the words beside it.
		$ticked = '' === nurture_get( $entry, $id . '.1' ) ? array() : array( '1' );
		$words  = nurture_get( $field, 'checkboxLabel' );
		return array( nurture_field( $id, '' === $words ? $label : $words, 'box', $ticked ) );
	}
	if ( 'checkbox' === $type ) {
		$ticked = array();
		foreach ( $entry as $part => $value ) {
			if ( 0 === strpos( (string) $part, $id . '.' ) ) {
				$ticked[] = $value;
			}
		}
		return array( nurture_field( $id, $label, 'box', $ticked ) );
	}
	$kind = in_array( $type, array( 'email', 'name' ), true ) ? $type : 'text';
	return array( nurture_field( $id, $label, $kind, $whole ) );
}

/**
 * Elementor Pro: its own actions have run.
 *
 * @param \ElementorPro\Modules\Forms\Classes\Form_Record $record The record.
 */
function nurture_elementor( $record ) {
	nurture_reading(
		'elementor',
		function () use ( $record ) {
			$kinds  = array(
				'email'      => 'email',
				'acceptance' => 'box',
				'checkbox'   => 'box',
			);
			$fields = array();
			foreach ( (array) $record->get( 'fields' ) as $id => $field ) {
				$kind     = nurture_get( $field, 'type' );
				$type     = isset( $kinds[ $kind ] ) ? $kinds[ $kind ] : 'text';
				$raw      = nurture_get( $field, 'raw_value' );
				$value    = 'box' === $type && '' !== $raw ? $raw : nurture_get( $field, 'value' );
				$fields[] = nurture_field( $id, nurture_get( $field, 'title' ), $type, $value );
			}
			$form = $record->get_form_settings( 'id' );
			$name = $record->get_form_settings( 'form_name' );
			return array( $form ? $form : $name, $name, $fields );
		}
	);
}

/**
 * WPForms: the form is processed, whether or not entries are stored.
 *
 * @param array $fields The fields.
 * @param array $entry  What was posted.
 * @param array $form   The form's settings.
 */
function nurture_wpforms( $fields, $entry, $form ) {
	nurture_reading(
		'wpforms',
		function () use ( $fields, $form ) {
			$read = array();
			foreach ( (array) $fields as $id => $field ) {
				$read = array_merge( $read, nurture_wpforms_field( (string) $id, $field ) );
			}
			$settings = nurture_get( $form, 'settings' );
			return array( nurture_get( $form, 'id' ), nurture_get( $settings, 'form_title' ), $read );
		}
	);
}

/**
 * Return what a field of WPForms holds; several ticks come as one text of several lines.
 *
 * @param string $id    Its number.
 * @param array  $field The field.
 * @return array
 */
function nurture_wpforms_field( $id, $field ) {
	$label = nurture_get( $field, 'name' );
	$value = nurture_get( $field, 'value' );
	$type  = nurture_get( $field, 'type' );
	if ( in_array( $type, array( 'checkbox', 'gdpr-checkbox' ), true ) ) {
		return array( nurture_field( $id, $label, 'box', explode( "\n", (string) $value ) ) );
	}
	$read = array( nurture_field( $id, $label, in_array( $type, array( 'email', 'name' ), true ) ? $type : 'text', $value ) );
	if ( '' !== nurture_get( $field, 'first' ) ) {
		$read[] = nurture_field( $id . '.first', $label, 'first_name', $field['first'] );
	}
	return $read;
}

/**
 * Fluent Forms: the entry is stored.
 *
 * @param int    $id   The entry's number.
 * @param array  $data What was sent, by the names of the fields.
 * @param object $form The form.
 */
function nurture_fluent_forms( $id, $data, $form ) {
	nurture_reading(
		'fluent-forms',
		function () use ( $data, $form ) {
			$parsed = json_decode( (string) nurture_get( $form, 'form_fields' ), true );
			$kinds  = nurture_fluent_kinds( (array) nurture_get( $parsed, 'fields' ) );
			$fields = array();
			foreach ( (array) $data as $name => $value ) {
				if ( '_' !== substr( (string) $name, 0, 1 ) ) {
					$kind   = isset( $kinds[ $name ] ) ? $kinds[ $name ] : array( '', $name );
					$fields = array_merge( $fields, nurture_fluent_field( (string) $name, $kind, $value ) );
				}
			}
			return array( nurture_get( $form, 'id' ), nurture_get( $form, 'title' ), $fields );
		}
	);
}

/**
 * Return the kind and the label of each field of Fluent Forms, also of those in columns.
 *
 * @param array $fields The fields as the form describes them.
 * @return array
 */
function nurture_fluent_kinds( array $fields ) {
	$kinds = array();
	foreach ( $fields as $field ) {
		foreach ( (array) nurture_get( $field, 'columns' ) as $column ) {
			$kinds += nurture_fluent_kinds( array_filter( (array) nurture_get( $column, 'fields' ) ) );
		}
		$name     = nurture_get( nurture_get( $field, 'attributes' ), 'name' );
		$settings = nurture_get( $field, 'settings' );
		$words    = nurture_get( $settings, 'tnc_html' );
		if ( is_string( $name ) && '' !== $name ) {
			$kinds[ $name ] = array( nurture_get( $field, 'element' ), '' !== $words ? $words : nurture_get( $settings, 'label' ) );
		}
	}
	return $kinds;
}

/**
 * Return what a field of Fluent Forms holds.
 *
 * @param string $name  Its name.
 * @param array  $kind  Its element and its label.
 * @param mixed  $value What was sent.
 * @return array
 */
function nurture_fluent_field( $name, array $kind, $value ) {
	if ( is_array( $value ) && isset( $value['first_name'] ) ) {
		return array(
			nurture_field( $name . '.first_name', $kind[1], 'first_name', $value['first_name'] ),
			nurture_field( $name, $kind[1], 'name', $value ),
		);
	}
	$kinds = array(
		'input_email'         => 'email',
		'input_checkbox'      => 'box',
		'gdpr_agreement'      => 'box',
		'terms_and_condition' => 'box',
	);
	return array( nurture_field( $name, $kind[1], isset( $kinds[ $kind[0] ] ) ? $kinds[ $kind[0] ] : 'text', $value ) );
}

/**
 * Ninja Forms: every action of the form has run.
 *
 * @param array $data The form and its fields.
 */
function nurture_ninja_forms( $data ) {
	nurture_reading(
		'ninja-forms',
		function () use ( $data ) {
			$kinds  = array(
				'email'        => 'email',
				'firstname'    => 'first_name',
				'checkbox'     => 'box',
				'listcheckbox' => 'box',
			);
			$fields = array();
			foreach ( (array) nurture_get( $data, 'fields' ) as $field ) {
				$kind     = nurture_get( $field, 'type' );
				$type     = isset( $kinds[ $kind ] ) ? $kinds[ $kind ] : 'text';
				$value    = nurture_get( $field, 'value' );
				$value    = 'checkbox' === $kind && ! $value ? array() : $value;
				$fields[] = nurture_field( nurture_get( $field, 'key' ), nurture_get( $field, 'label' ), $type, $value );
			}
			$settings = nurture_get( $data, 'settings' );
			return array( nurture_get( $data, 'form_id' ), nurture_get( $settings, 'title' ), $fields );
		}
	);
}
